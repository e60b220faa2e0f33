//! The picture that the demo's engines render: an evening among spheres of glass, metal and clay.
//!
//! A small path tracer. It knows no state and no clock: a pixel depends on its place and on the number of samples, so
//! that any engine renders any tile alike, and a tile rendered twice is the same twice. What lies behind glass takes a
//! code path of its own, and more samples: tiles with glass in them need an engine with `raytrace.glass`.

mod camera;
mod chance;
mod layout;
mod material;
mod sky;
mod tracer;
mod tree;
mod vector;

use camera::Camera;
use chance::Chance;
use tracer::Tracer;
use vector::Vector;

/// A rectangle of a picture, in pixels from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tile {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) w: u32,
    pub(crate) h: u32,
}

/// How large a picture is, and how finely it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Format {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// How many paths are followed for each pixel.
    pub(crate) samples: u32,
}

/// How light finds its way through glass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glass {
    /// It is bent at each surface, and split into what passes and what is mirrored.
    Refracted,
    /// It passes straight on: enough where glass is only seen by others.
    Straight,
}

/// How many times the samples a tile with glass gets.
const GLASS_SAMPLES: u32 = 2;

/// Everything that is in the picture.
pub(crate) struct Scene {
    tracer: Tracer,
    camera: Camera,
}

impl Scene {
    /// The demo's own scene.
    pub(crate) fn evening() -> Self {
        Self { tracer: Tracer::new(layout::spheres()), camera: layout::camera() }
    }

    /// Renders one tile as rows of red, green and blue. None if `go_on`, which is asked before each row, says no.
    pub(crate) fn render(
        &self,
        format: Format,
        tile: Tile,
        glass: Glass,
        mut go_on: impl FnMut() -> bool,
    ) -> Option<Vec<u8>> {
        let mut rgb = Vec::with_capacity((tile.w * tile.h * 3) as usize);
        for y in tile.y..tile.y + tile.h {
            if !go_on() {
                return None;
            }
            for x in tile.x..tile.x + tile.w {
                rgb.extend(self.pixel(format, x, y, glass));
            }
        }
        Some(rgb)
    }

    /// One pixel.
    pub(crate) fn pixel(&self, format: Format, x: u32, y: u32, glass: Glass) -> [u8; 3] {
        let samples = format.samples * if glass == Glass::Refracted { GLASS_SAMPLES } else { 1 };
        let mut sum = Vector::ZERO;
        for sample in 0..samples {
            let mut chance = Chance::of(x, y, sample);
            let ray = self.camera.ray(format, x, y, &mut chance);
            sum += self.tracer.light(ray, glass, &mut chance);
        }
        camera::developed(sum * (1.0 / samples as f32), format, x, y)
    }

    /// Whether glass is seen in a tile, as such or in a mirror.
    pub(crate) fn has_glass(&self, format: Format, tile: Tile) -> bool {
        // Every fourth pixel and the edges: no glass of this scene is smaller.
        let step = (format.width / 320).max(1);
        let along = |from: u32, size: u32| (from..from + size).step_by(step as usize).chain([from + size - 1]);
        along(tile.y, tile.h)
            .any(|y| along(tile.x, tile.w).any(|x| self.tracer.meets_glass(&self.camera.middle_ray(format, x, y))))
    }
}

#[cfg(test)]
mod tests;
