//! Follows light backwards, from the camera to where it came from.

use super::Glass;
use super::camera::disc;
use super::chance::Chance;
use super::material::{Material, floor_color, left_after, mirrored};
use super::sky;
use super::tree::{Ray, Sphere, Tree};
use super::vector::{Vector, vector};

/// How often light is followed around a corner, at most.
const MAX_BOUNCES: u32 = 12;
/// How often it is followed after it was scattered, at most.
const MAX_SCATTERED: u32 = 2;
/// What one path may bring at most once it was scattered: a rare bright path would be a speck, not light.
const MAX_SCATTERED_LIGHT: f32 = 6.0;
/// How much brighter the sky is for what it lights than for who looks at it, as with a photographer's fill light.
const FILL: f32 = 1.3;
/// How far a new ray begins above the surface.
const ABOVE: f32 = 1e-3;

/// Everything that light can meet.
pub(crate) struct Tracer {
    tree: Tree,
    materials: Vec<Material>,
}

/// What a ray meets first.
struct Hit {
    point: Vector,
    /// Points out of the sphere.
    normal: Vector,
    distance: f32,
    surface: Surface,
}

enum Surface {
    Floor,
    Ball(Material),
}

/// What is left to find out about one path.
struct Path {
    ray: Ray,
    /// What comes along it counts for so much.
    weight: Vector,
    scattered: u32,
}

impl Tracer {
    pub(crate) fn new(spheres: Vec<(Sphere, Material)>) -> Self {
        let (spheres, materials) = spheres.into_iter().unzip();
        Self { tree: Tree::new(spheres), materials }
    }

    /// The light that comes along one ray, found on one path of many.
    pub(crate) fn light(&self, ray: Ray, glass: Glass, chance: &mut Chance) -> Vector {
        let mut path = Path { ray, weight: Vector::ONE, scattered: 0 };
        let mut found = Vector::ZERO;
        for bounce in 0..MAX_BOUNCES {
            let Some(hit) = self.hit(&path.ray) else {
                found += seen_sky(&path);
                break;
            };
            let went_on = match hit.surface {
                Surface::Floor => {
                    let haze = 1.0 - (-0.0004 * hit.distance * hit.distance / (1.0 + 0.01 * hit.distance)).exp();
                    let direction = path.ray.direction;
                    let horizon = vector(direction.x, 0.012, direction.z).unit();
                    found += limited(&path, path.weight * sky::light(horizon) * haze);
                    path.weight = path.weight * (1.0 - haze);
                    let color = floor_color(hit.point, hit.distance);
                    self.coated(&mut path, &hit, color, 0.012, bounce, &mut found, chance)
                }
                Surface::Ball(Material::Clay { color }) => {
                    self.coated(&mut path, &hit, color, 0.0, bounce, &mut found, chance)
                }
                Surface::Ball(Material::Metal { color, roughness }) => {
                    let cosine = -path.ray.direction.dot(hit.normal);
                    let tint = color.towards(Vector::ONE, (1.0 - cosine).max(0.0).powi(5));
                    path.weight *= tint;
                    reflect(&mut path, &hit, roughness, chance);
                    true
                }
                Surface::Ball(Material::Glass { absorbs }) => {
                    through_glass(&mut path, &hit, absorbs, glass, bounce, chance);
                    true
                }
            };
            if !went_on || !survives(&mut path, bounce, chance) {
                break;
            }
        }
        found
    }

    /// Whether glass is what a ray meets, at once or in a mirror that shows it as it is.
    pub(crate) fn meets_glass(&self, ray: &Ray) -> bool {
        let Some(hit) = self.hit(ray) else { return false };
        let shows = match hit.surface {
            Surface::Ball(Material::Glass { .. }) => return true,
            Surface::Ball(Material::Clay { .. }) => false,
            // What a small ball mirrors is too small to tell.
            Surface::Ball(Material::Metal { roughness, .. }) => roughness < 0.03 && hit.point.y > 0.8,
            Surface::Floor => mirrored(-ray.direction.dot(hit.normal)) > 0.15,
        };
        let direction = ray.direction.reflected(hit.normal);
        let mirror = Ray { origin: hit.point + hit.normal * ABOVE, direction };
        let seen = shows.then(|| self.hit(&mirror)).flatten();
        seen.is_some_and(|seen| matches!(seen.surface, Surface::Ball(Material::Glass { .. })))
    }

    fn hit(&self, ray: &Ray) -> Option<Hit> {
        let floor = -ray.origin.y / ray.direction.y;
        let floor = if floor > ABOVE && ray.direction.y < 0.0 { floor } else { f32::MAX };
        if let Some((sphere, distance)) = self.tree.nearest(ray, floor) {
            let point = ray.at(distance);
            let normal = (point - sphere.center) * (1.0 / sphere.radius);
            return Some(Hit { point, normal, distance, surface: Surface::Ball(self.materials[sphere.material]) });
        }
        (floor < 400.0).then(|| Hit {
            point: ray.at(floor),
            normal: Vector::UP,
            distance: floor,
            surface: Surface::Floor,
        })
    }

    /// A colour under a clear coat: the coat mirrors a part, the colour scatters the rest.
    #[expect(clippy::too_many_arguments, reason = "the state of one step of one path")]
    fn coated(
        &self,
        path: &mut Path,
        hit: &Hit,
        color: Vector,
        roughness: f32,
        bounce: u32,
        found: &mut Vector,
        chance: &mut Chance,
    ) -> bool {
        let share = mirrored(-path.ray.direction.dot(hit.normal));
        // Where it is seen directly, the mirrored part is asked for more often than it weighs: it is what shines.
        let odds = if bounce == 0 { 0.15 + 0.7 * share } else { share };
        let sunlight = self.sunlight(hit, chance);
        *found += limited(path, path.weight * color * sunlight * (1.0 - share));
        if chance.pair().0 < odds {
            path.weight = path.weight * (share / odds);
            reflect(path, hit, roughness, chance);
            return true;
        }
        path.weight *= color * ((1.0 - share) / (1.0 - odds));
        path.scattered += 1;
        if path.scattered > MAX_SCATTERED {
            return false;
        }
        path.ray = Ray { origin: hit.point + hit.normal * ABOVE, direction: scattered(hit.normal, chance) };
        true
    }

    /// What the sun adds at a point, of what is not in a shadow.
    fn sunlight(&self, hit: &Hit, chance: &mut Chance) -> Vector {
        let (u, v) = chance.pair();
        let (across, up) = disc(u, v);
        let (one, other) = sky::SUN.frame();
        let direction = (sky::SUN + (one * across + other * up) * sky::SUN_RADIUS).unit();
        let cosine = direction.dot(hit.normal);
        if cosine <= 0.0 {
            return Vector::ZERO;
        }
        let ray = Ray { origin: hit.point + hit.normal * ABOVE, direction };
        let mut left = sky::SUNLIGHT * cosine;
        self.tree.walk(&ray, |sphere| {
            let Some(distance) = sphere.hit(&ray) else { return Some(f32::MAX) };
            let Material::Glass { absorbs } = self.materials[sphere.material] else {
                left = Vector::ZERO;
                return None;
            };
            // Glass gathers the sun's light in the middle of its shadow, and takes it from the edge.
            let normal = (ray.at(distance) - sphere.center) * (1.0 / sphere.radius);
            let straight = direction.dot(normal).abs();
            left *= left_after(absorbs, 2.0 * sphere.radius * straight) * (0.08 + 1.75 * straight.powi(5));
            Some(f32::MAX)
        });
        left
    }
}

/// What the sky gives to a path that gets out.
fn seen_sky(path: &Path) -> Vector {
    let direction = path.ray.direction;
    let sky = if path.scattered == 0 { sky::view(direction) } else { sky::light(direction) * FILL };
    limited(path, path.weight * sky)
}

fn limited(path: &Path, light: Vector) -> Vector {
    let largest = light.largest();
    if path.scattered > 1 && largest > MAX_SCATTERED_LIGHT { light * (MAX_SCATTERED_LIGHT / largest) } else { light }
}

fn reflect(path: &mut Path, hit: &Hit, roughness: f32, chance: &mut Chance) {
    let mut direction = path.ray.direction.reflected(hit.normal);
    if roughness > 0.0 {
        direction = (direction + on_ball(chance) * roughness).unit();
        let below = direction.dot(hit.normal);
        if below < 0.0 {
            direction = direction - hit.normal * (2.0 * below);
        }
    }
    path.ray = Ray { origin: hit.point + hit.normal * ABOVE, direction };
}

/// Either mirrored at the surface, or on through it.
fn through_glass(path: &mut Path, hit: &Hit, absorbs: Vector, glass: Glass, bounce: u32, chance: &mut Chance) {
    const INDEX: f32 = 1.5;
    let direction = path.ray.direction;
    let leaves = direction.dot(hit.normal) > 0.0;
    let normal = if leaves { -hit.normal } else { hit.normal };
    if leaves {
        path.weight *= left_after(absorbs, hit.distance);
    }
    let cosine = -direction.dot(normal);
    let ratio = if leaves { INDEX } else { 1.0 / INDEX };
    let beyond = 1.0 - ratio * ratio * (1.0 - cosine * cosine);
    let share = match glass {
        Glass::Refracted if beyond <= 0.0 => 1.0,
        Glass::Refracted => mirrored(if leaves { beyond.sqrt() } else { cosine }),
        // Light that was not bent on its way in would be caught inside by a mirror on its way out.
        Glass::Straight if leaves => 0.0,
        Glass::Straight => mirrored(cosine),
    };
    let odds = if bounce == 0 { 0.25 + 0.5 * share } else { share };
    if chance.pair().0 < odds {
        path.weight = path.weight * (share / odds);
        path.ray = Ray { origin: hit.point + normal * ABOVE, direction: direction.reflected(normal) };
        return;
    }
    path.weight = path.weight * ((1.0 - share) / (1.0 - odds));
    let direction = match glass {
        Glass::Refracted => (direction * ratio + normal * (ratio * cosine - beyond.max(0.0).sqrt())).unit(),
        Glass::Straight => direction,
    };
    path.ray = Ray { origin: hit.point - normal * ABOVE, direction };
}

/// A direction away from a surface, as chalk scatters light.
fn scattered(normal: Vector, chance: &mut Chance) -> Vector {
    let (u, v) = chance.pair();
    let (across, up) = disc(u, v);
    let (one, other) = normal.frame();
    one * across + other * up + normal * (1.0 - v).max(0.0).sqrt()
}

/// A point of the ball of radius 1, nearer to its middle than to its edge.
fn on_ball(chance: &mut Chance) -> Vector {
    let (u, v) = chance.pair();
    let (across, up) = disc(u, v);
    let height = (1.0 - v).max(0.0).sqrt() * (2.0 * (u * 7.0).fract() - 1.0);
    vector(across, height, up)
}

/// Ends some of the paths that can bring little, and lets the others count for them.
fn survives(path: &mut Path, bounce: u32, chance: &mut Chance) -> bool {
    if bounce < 2 {
        return true;
    }
    let odds = path.weight.largest().clamp(0.05, 1.0);
    if chance.pair().0 >= odds {
        return false;
    }
    path.weight = path.weight * (1.0 / odds);
    true
}
