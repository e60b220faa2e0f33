//! Finds the nearest of many spheres without asking each: a tree of boxes around them.

use super::vector::{Vector, vector};

/// A sphere, and what it is made of: a number that means something to the scene.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sphere {
    pub(crate) center: Vector,
    pub(crate) radius: f32,
    pub(crate) material: usize,
}

/// A ray, its direction of length 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ray {
    pub(crate) origin: Vector,
    pub(crate) direction: Vector,
}

impl Ray {
    pub(crate) fn at(&self, distance: f32) -> Vector {
        self.origin + self.direction * distance
    }
}

impl Sphere {
    /// Where a ray enters it, or leaves it if it begins inside.
    pub(crate) fn hit(&self, ray: &Ray) -> Option<f32> {
        let to_center = self.center - ray.origin;
        let along = to_center.dot(ray.direction);
        // The distance of the ray from the center, by Pythagoras on a short vector: exact for far spheres too.
        let aside = to_center - ray.direction * along;
        let inside = self.radius * self.radius - aside.dot(aside);
        if inside < 0.0 {
            return None;
        }
        let half = inside.sqrt();
        // So far a ray that begins on the surface is let go before it may hit that surface again.
        let nearest = 2e-4 * self.radius.max(0.5);
        [along - half, along + half].into_iter().find(|distance| *distance > nearest)
    }
}

/// A box with its edges along the axes.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    low: Vector,
    high: Vector,
}

impl Bounds {
    fn around(spheres: &[Sphere]) -> Self {
        let far = vector(f32::MAX, f32::MAX, f32::MAX);
        spheres.iter().fold(Self { low: far, high: -far }, |bounds, sphere| {
            let reach = Vector::ONE * sphere.radius;
            let (low, high) = (sphere.center - reach, sphere.center + reach);
            Self {
                low: vector(bounds.low.x.min(low.x), bounds.low.y.min(low.y), bounds.low.z.min(low.z)),
                high: vector(bounds.high.x.max(high.x), bounds.high.y.max(high.y), bounds.high.z.max(high.z)),
            }
        })
    }

    /// Where a ray enters, if it does within `limit`.
    fn entry(&self, ray: &Ray, inverse: Vector, limit: f32) -> Option<f32> {
        let one = (self.low - ray.origin) * inverse;
        let other = (self.high - ray.origin) * inverse;
        let enter = one.x.min(other.x).max(one.y.min(other.y)).max(one.z.min(other.z)).max(0.0);
        let leave = one.x.max(other.x).min(one.y.max(other.y)).min(one.z.max(other.z)).min(limit);
        (enter <= leave).then_some(enter)
    }
}

/// A box, and what is in it: either its spheres, or its two halves, of which the first is the next node.
#[derive(Clone, Copy, Debug)]
struct Node {
    bounds: Bounds,
    first: usize,
    /// How many spheres; 0 for a node with halves, and then `first` is where the second half is.
    count: usize,
}

/// How many spheres are asked one by one.
const LEAF: usize = 3;
/// More levels than any tree of ours has: each halves the spheres.
const MAX_DEPTH: usize = 32;

/// Many spheres.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    spheres: Vec<Sphere>,
    nodes: Vec<Node>,
}

impl Tree {
    pub(crate) fn new(mut spheres: Vec<Sphere>) -> Self {
        let mut nodes = Vec::new();
        let count = spheres.len();
        build(&mut spheres, 0, count, &mut nodes);
        Self { spheres, nodes }
    }

    /// The first sphere on the way of a ray, nearer than `limit`, and how far it is.
    pub(crate) fn nearest(&self, ray: &Ray, limit: f32) -> Option<(&Sphere, f32)> {
        let mut found = None;
        let mut limit = limit;
        self.walk(ray, |sphere| {
            if let Some(distance) = sphere.hit(ray).filter(|distance| *distance < limit) {
                limit = distance;
                found = Some((sphere, distance));
            }
            Some(limit)
        });
        found
    }

    /// Shows every sphere that a ray may hit, until `visit` answers that nothing more is of interest; otherwise it
    /// answers up to which distance anything is.
    pub(crate) fn walk<'a>(&'a self, ray: &Ray, mut visit: impl FnMut(&'a Sphere) -> Option<f32>) {
        let inverse = ray.direction.each(|part| 1.0 / part);
        let mut limit = f32::MAX;
        let mut waiting = [0; MAX_DEPTH];
        let mut depth = 1;
        while depth > 0 {
            depth -= 1;
            let place = waiting[depth];
            let Some(node) = self.nodes.get(place) else { return };
            if node.bounds.entry(ray, inverse, limit).is_none() {
                continue;
            }
            if node.count == 0 {
                waiting[depth] = node.first;
                waiting[depth + 1] = place + 1;
                depth += 2;
                continue;
            }
            for sphere in &self.spheres[node.first..node.first + node.count] {
                match visit(sphere) {
                    Some(nearer) => limit = nearer,
                    None => return,
                }
            }
        }
    }
}

/// Writes the node of `spheres[first..end]` and all below it.
fn build(spheres: &mut [Sphere], first: usize, end: usize, nodes: &mut Vec<Node>) {
    let part = &mut spheres[first..end];
    let bounds = Bounds::around(part);
    let place = nodes.len();
    nodes.push(Node { bounds, first, count: part.len() });
    if part.len() <= LEAF {
        return;
    }
    let size = bounds.high - bounds.low;
    let along = |sphere: &Sphere| if size.x > size.z { sphere.center.x } else { sphere.center.z };
    part.sort_by(|one, other| along(one).total_cmp(&along(other)));
    let middle = first + part.len() / 2;
    build(spheres, first, middle, nodes);
    nodes[place] = Node { bounds, first: nodes.len(), count: 0 };
    build(spheres, middle, end, nodes);
}

#[cfg(test)]
mod tests {
    use super::super::chance::Chance;
    use super::*;

    #[test]
    fn the_tree_finds_what_asking_each_sphere_finds() {
        let mut chance = Chance::of(3, 5, 0);
        let mut number = |from: f32, to: f32| from + (to - from) * chance.pair().0;
        let spheres: Vec<_> = (0..200)
            .map(|material| Sphere {
                center: vector(number(-9.0, 9.0), number(0.0, 2.0), number(-9.0, 9.0)),
                radius: number(0.1, 0.6),
                material,
            })
            .collect();
        let tree = Tree::new(spheres.clone());
        let mut hits = 0;
        for _ in 0..2_000 {
            let origin = vector(number(-12.0, 12.0), number(0.0, 4.0), number(-12.0, 12.0));
            let direction = vector(number(-1.0, 1.0), number(-0.4, 0.1), number(-1.0, 1.0)).unit();
            let ray = Ray { origin, direction };
            let asked = spheres
                .iter()
                .filter_map(|sphere| Some((sphere.hit(&ray)?, sphere.material)))
                .min_by(|one, other| one.0.total_cmp(&other.0));
            let found = tree.nearest(&ray, f32::MAX).map(|(sphere, distance)| (distance, sphere.material));
            assert_eq!(found, asked);
            hits += u32::from(found.is_some());
        }
        assert!(hits > 300, "{hits}");
    }
}
