//! Follows light backwards, from the camera to where it came from.

use std::f32::consts::TAU;

use glam::{Vec2, Vec3, vec2, vec3};

use super::sampler::Sampler;
use super::sky;

/// What is nearer than this is the surface that the ray leaves, by a rounding error.
const NEAREST: f32 = 1e-3;
/// The sun's light on a surface that faces it.
const SUNLIGHT: Vec3 = vec3(4.2, 2.5, 1.25);
/// How much brighter the sky is for clay than for who looks at it, as with a photographer's fill light.
const FILL: f32 = 1.7;
/// The light on clay that lights other clay, and the light out of the water: guesses, instead of ever longer paths.
const AMBIENT: Vec3 = vec3(0.45, 0.35, 0.40);
const DEPTH: Vec3 = vec3(0.020, 0.075, 0.105);

#[derive(Clone, Copy)]
pub(super) enum Material {
    /// This colour, under a clear glaze.
    Clay(Vec3),
    Metal(Vec3),
    /// It takes so much from light on each unit of its way.
    Glass(Vec3),
    Water,
}

pub(super) struct Sphere {
    pub(super) center: Vec3,
    pub(super) radius: f32,
    pub(super) material: Material,
}

/// Its direction has length 1, as every direction and normal here.
pub(super) struct Ray {
    pub(super) origin: Vec3,
    pub(super) direction: Vec3,
}

pub(super) struct Hit {
    distance: f32,
    point: Vec3,
    normal: Vec3,
    pub(super) material: Material,
}

impl Sphere {
    /// How far it is to where a ray enters, or leaves if it begins inside.
    fn distance(&self, ray: &Ray) -> Option<f32> {
        let to_center = self.center - ray.origin;
        let along = to_center.dot(ray.direction);
        // Pythagoras on the shortest way from the centre to the ray: exact for spheres far away too.
        let inside = self.radius * self.radius - (to_center - ray.direction * along).length_squared();
        let half = (inside >= 0.0).then(|| inside.sqrt())?;
        [along - half, along + half].into_iter().find(|distance| *distance > NEAREST)
    }
}

/// The light along one ray, found on one random path of many. The mean over many is the picture.
pub(super) fn light(spheres: &[Sphere], mut ray: Ray, sampler: &mut Sampler) -> Vec3 {
    let mut found = Vec3::ZERO;
    // How much of what the rest of the path finds arrives at the camera.
    let mut weight = Vec3::ONE;
    let mut scattered = false;
    // After nine bounces, hardly any light is left to be found.
    for _ in 0..9 {
        let Some(hit) = nearest(spheres, &ray) else {
            // The sun is left out: in what mirrors and lenses throw on clay, it would be rare bright specks.
            let sky = if scattered { sky::light(ray.direction) * FILL } else { sky::view(ray.direction) };
            return found + weight * sky;
        };
        let cosine = -ray.direction.dot(hit.normal);
        let mirrored = ray.direction.reflect(hit.normal);
        let direction = match hit.material {
            Material::Water => {
                let normal = waves(vec2(hit.point.x, hit.point.z));
                let share = fresnel(0.02, -ray.direction.dot(normal));
                found += weight * DEPTH * (1.0 - share);
                weight *= share;
                let direction = ray.direction.reflect(normal);
                direction.with_y(direction.y.abs())
            }
            Material::Metal(color) => {
                weight *= color.lerp(Vec3::ONE, fresnel(0.0, cosine));
                mirrored
            }
            Material::Glass(absorbs) => {
                let leaves = cosine < 0.0;
                let (normal, ratio) = if leaves { (-hit.normal, 1.5) } else { (hit.normal, 1.0 / 1.5) };
                weight *= if leaves { (-absorbs * hit.distance).exp() } else { Vec3::ONE };
                let refracted = ray.direction.refract(normal, ratio);
                let share = fresnel(0.04, cosine.abs().min(-refracted.dot(normal)));
                if sampler.pair().x < share { mirrored } else { refracted }
            }
            Material::Clay(color) => {
                let share = fresnel(0.04, cosine);
                found += weight * color * (1.0 - share) * sunlight(spheres, &hit, sampler);
                if sampler.pair().x < share {
                    mirrored
                } else if scattered {
                    return found + weight * color * AMBIENT;
                } else {
                    scattered = true;
                    weight *= color;
                    around(hit.normal, 1.0, sampler)
                }
            }
        };
        ray = Ray { origin: hit.point, direction };
    }
    found
}

/// The first thing on the way of a ray; none if that is the sky.
pub(super) fn nearest(spheres: &[Sphere], ray: &Ray) -> Option<Hit> {
    let to_water = -ray.origin.y / ray.direction.y;
    let mut distance = if to_water > NEAREST { to_water } else { f32::INFINITY };
    let mut found = None;
    for sphere in spheres {
        if let Some(nearer) = sphere.distance(ray).filter(|nearer| *nearer < distance) {
            (distance, found) = (nearer, Some(sphere));
        }
    }
    let point = ray.origin + ray.direction * distance;
    let (center, material) =
        found.map_or((point - Vec3::Y, Material::Water), |sphere| (sphere.center, sphere.material));
    let normal = (point - center).normalize();
    (distance < 2_000.0).then_some(Hit { distance, point, normal, material })
}

/// The sun's light at a point, unless it is in a shadow. Glass throws none.
fn sunlight(spheres: &[Sphere], hit: &Hit, sampler: &mut Sampler) -> Vec3 {
    let ray = Ray { origin: hit.point, direction: around(sky::SUN, sky::SUN_RADIUS, sampler) };
    let cosine = ray.direction.dot(hit.normal);
    let shades = |sphere: &Sphere| !matches!(sphere.material, Material::Glass(_)) && sphere.distance(&ray).is_some();
    if cosine > 0.0 && !spheres.iter().any(shades) { SUNLIGHT * cosine } else { Vec3::ZERO }
}

/// A random direction around another one. With a radius of 1, this is how clay scatters light (Lambert).
fn around(direction: Vec3, radius: f32, sampler: &mut Sampler) -> Vec3 {
    let place = sampler.pair();
    let aside = Vec2::from_angle(TAU * place.x) * (radius * place.y.sqrt());
    let (across, up) = direction.any_orthonormal_pair();
    across * aside.x + up * aside.y + direction * (1.0 - aside.length_squared()).max(0.0).sqrt()
}

/// How much light is mirrored (Schlick): `straight` of what comes straight, and all at a grazing angle.
fn fresnel(straight: f32, cosine: f32) -> f32 {
    straight + (1.0 - straight) * (1.0 - cosine).clamp(0.0, 1.0).powi(5)
}

/// The normal of the water: seven waves, each shorter and flatter than the one before.
fn waves(place: Vec2) -> Vec3 {
    let wave = |number: i32| {
        let (length, direction) = (0.9 * 0.62_f32.powi(number), Vec2::from_angle(2.4 * number as f32 + 0.7));
        direction * (0.026 * 0.88_f32.powi(number) * (TAU * place.dot(direction) / length + length * 40.0).cos())
    };
    let slope = (0..7).map(wave).sum::<Vec2>();
    vec3(-slope.x, 1.0, -slope.y).normalize()
}
