//! The picture that the engines render: spheres of glass, metal and clay on a calm sea, at sunset.
//!
//! A small path tracer. A pixel depends on its place and the number of samples only: every engine renders a tile alike.

mod sampler;
mod sky;
#[cfg(test)]
mod tests;
mod tracer;

use std::f32::consts::TAU;

use glam::{Vec2, Vec3, vec2, vec3};
use sampler::Sampler;
use tracer::{Material, Ray, Sphere};

use super::picture::{PictureSettings, Tile};

const CAMERA: Vec3 = vec3(-1.2, 2.3, -10.0);
const LOOKS_AT: Vec3 = vec3(0.2, 1.55, 0.0);
/// The height of what the camera sees at distance 1.
const VIEW_HEIGHT: f32 = 0.72;

pub(crate) struct Scene {
    spheres: Vec<Sphere>,
}

impl Scene {
    /// A few large spheres, and around them a spiral of small ones.
    pub(crate) fn new() -> Self {
        let on_water = |x, z, radius, material| Sphere { center: vec3(x, radius + 0.04, z), radius, material };
        let mut spheres = vec![
            on_water(0.0, 0.0, 1.62, Material::Glass(vec3(0.035, 0.012, 0.010))),
            on_water(3.9, 0.6, 1.05, Material::Metal(vec3(1.0, 0.74, 0.36))),
            on_water(-3.3, 1.6, 1.2, Material::Metal(vec3(0.93, 0.94, 0.96))),
            on_water(2.3, -3.3, 0.58, Material::Glass(vec3(0.06, 0.45, 1.1))),
            on_water(-3.25, -3.0, 0.62, Material::Glass(vec3(1.3, 0.28, 0.10))),
        ];
        for number in (0..220_u16).map(f32::from) {
            let away = 0.62 * (number + 5.0).sqrt();
            // Each turns by the golden angle from the one before, as the seeds of a sunflower do: thirteen arms, thirteen hues.
            let (sin, cos) = (number * 2.399_963).sin_cos();
            let hue = ((number * 5.0 + 2.0) % 13.0) / 13.0;
            let color = (vec3(hue, hue + 0.37, hue + 0.63) * TAU).map(f32::cos) * 0.42 + 0.46;
            let material = if number % 13.0 == 8.0 { Material::Metal(color) } else { Material::Clay(color) };
            let small = on_water(away * cos, away * sin, 0.19 + 0.08 * (away * 1.75).cos(), material);
            let touches = |large: &Sphere| large.center.distance(small.center) < large.radius + small.radius + 0.06;
            spheres.extend((!spheres[..5].iter().any(touches)).then_some(small));
        }
        Self { spheres }
    }

    /// Renders one tile as rows of red, green and blue. None if `go_on`, which is asked before each row, says no.
    pub(crate) fn render(
        &self,
        settings: PictureSettings,
        tile: Tile,
        mut go_on: impl FnMut() -> bool,
    ) -> Option<Vec<u8>> {
        let mut rgb = Vec::with_capacity((tile.w * tile.h * 3) as usize);
        for y in tile.y..tile.y + tile.h {
            go_on().then_some(())?;
            for x in tile.x..tile.x + tile.w {
                let sample = |number| {
                    let mut sampler = Sampler::new(x, y, number);
                    let ray = camera_ray(settings, vec2(x as f32, y as f32) + sampler.pair());
                    tracer::light(&self.spheres, ray, &mut sampler)
                };
                rgb.extend(color((0..settings.samples).map(sample).sum::<Vec3>() * (0.82 / settings.samples as f32)));
            }
        }
        Some(rgb)
    }

    pub(crate) fn has_glass(&self, settings: PictureSettings, tile: Tile) -> bool {
        // Every fourth pixel: no glass of this scene is smaller.
        let (rows, columns) = ((tile.y..tile.y + tile.h).step_by(4), (tile.x..tile.x + tile.w).step_by(4));
        let places = rows.flat_map(|y| columns.clone().map(move |x| vec2(x as f32, y as f32)));
        let mut hits = places.filter_map(|place| tracer::nearest(&self.spheres, &camera_ray(settings, place)));
        hits.any(|hit| matches!(hit.material, Material::Glass(_)))
    }
}

/// The ray from the camera through a place in the picture.
fn camera_ray(settings: PictureSettings, place: Vec2) -> Ray {
    let forward = (LOOKS_AT - CAMERA).normalize();
    let right = Vec3::Y.cross(forward).normalize();
    let middle = vec2(settings.width as f32, settings.height as f32) * 0.5;
    let aside = (place - middle) * (VIEW_HEIGHT / settings.height as f32);
    let direction = forward + right * aside.x - forward.cross(right) * aside.y;
    Ray { origin: CAMERA, direction: direction.normalize() }
}

/// Light as a screen shows it: bright light is compressed instead of cut (Narkowicz's fit of the ACES curve).
fn color(light: Vec3) -> [u8; 3] {
    let film = light * (light * 2.51 + 0.03) / (light * (light * 2.43 + 0.59) + 0.14);
    film.powf(1.0 / 2.2).to_array().map(|part| (part * 255.0 + 0.5) as u8)
}
