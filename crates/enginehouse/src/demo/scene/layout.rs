//! Where everything stands.

use super::camera::Camera;
use super::material::Material;
use super::tree::Sphere;
use super::vector::{Vector, vector};

/// How many places the spiral has.
const PLACES: u16 = 420;
/// The golden angle: each place of the spiral turns by so much, as the seeds of a sunflower do.
const GOLDEN_ANGLE: f32 = 2.399_963_2;

pub(crate) fn camera() -> Camera {
    let origin = vector(-1.5, 3.0, -10.0);
    let target = vector(0.2, 1.28, 0.0);
    Camera::new(origin, target, 0.36, 0.045, 9.0)
}

/// The spheres and what they are made of: a few large ones, and around them a spiral of small ones.
pub(crate) fn spheres() -> Vec<(Sphere, Material)> {
    let mut spheres = large_spheres();
    let large = spheres.clone();
    for place in 0..PLACES {
        let number = f32::from(place);
        let away = 0.56 * (number + 4.0).sqrt();
        let (sin, cos) = (number * GOLDEN_ANGLE).sin_cos();
        // Rings of larger and smaller ones, as on water into which something fell.
        let radius = 0.25 + 0.11 * (away * 1.75).cos();
        let center = vector(away * cos, radius, away * sin);
        let is_free = large.iter().all(|(other, _)| (other.center - center).length() > other.radius + radius + 0.06);
        if is_free {
            spheres.push((Sphere { center, radius, material: 0 }, small_material(place)));
        }
    }
    for (place, (sphere, _)) in spheres.iter_mut().enumerate() {
        sphere.material = place;
    }
    spheres
}

fn large_spheres() -> Vec<(Sphere, Material)> {
    let on_floor = |x: f32, z: f32, radius: f32, material: Material| {
        (Sphere { center: vector(x, radius, z), radius, material: 0 }, material)
    };
    vec![
        on_floor(0.0, 0.0, 1.62, Material::Glass { absorbs: vector(0.035, 0.012, 0.010) }),
        on_floor(3.35, 1.3, 1.05, Material::Metal { color: vector(1.0, 0.74, 0.36), roughness: 0.02 }),
        on_floor(-3.3, 1.6, 1.2, Material::Metal { color: vector(0.93, 0.94, 0.96), roughness: 0.0 }),
        on_floor(2.05, -3.1, 0.55, Material::Glass { absorbs: vector(0.06, 0.45, 1.1) }),
        on_floor(-2.55, -2.65, 0.62, Material::Glass { absorbs: vector(1.3, 0.28, 0.10) }),
        on_floor(-6.6, 5.6, 1.3, Material::Clay { color: vector(0.62, 0.08, 0.07) }),
        on_floor(6.9, 6.4, 1.25, Material::Clay { color: vector(0.05, 0.24, 0.30) }),
        on_floor(0.9, 8.6, 1.35, Material::Metal { color: vector(0.95, 0.55, 0.42), roughness: 0.12 }),
    ]
}

/// The spiral has thirteen arms; each is of one kind, and neighbours are of colours that follow each other.
fn small_material(place: u16) -> Material {
    const CLAY: [Vector; 13] = [
        vector(0.90, 0.62, 0.20),
        vector(0.91, 0.40, 0.12),
        vector(0.86, 0.20, 0.12),
        vector(0.66, 0.07, 0.16),
        vector(0.45, 0.07, 0.30),
        vector(0.24, 0.10, 0.42),
        vector(0.10, 0.14, 0.50),
        vector(0.05, 0.25, 0.55),
        vector(0.04, 0.38, 0.50),
        vector(0.05, 0.45, 0.38),
        vector(0.20, 0.52, 0.28),
        vector(0.62, 0.62, 0.24),
        vector(0.86, 0.76, 0.52),
    ];
    match place % 13 {
        3 => Material::Metal { color: vector(1.0, 0.78, 0.45), roughness: 0.05 },
        8 => Material::Metal { color: vector(0.92, 0.93, 0.95), roughness: 0.01 },
        arm => Material::Clay { color: CLAY[usize::from((arm * 5 + 4) % 13)] },
    }
}
