//! What spheres and floor are made of.

use super::vector::{Vector, vector};

/// What something is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Material {
    /// Glazed clay: a colour under a thin clear coat.
    Clay { color: Vector },
    /// A mirror with a tint; the rougher, the more blurred.
    Metal { color: Vector, roughness: f32 },
    /// What it takes from light on each unit of its way.
    Glass { absorbs: Vector },
}

/// How much light a coat or a glass of index 1.5 mirrors (Schlick): little from above, all at a grazing angle.
pub(crate) fn mirrored(cosine: f32) -> f32 {
    0.04 + 0.96 * (1.0 - cosine).max(0.0).powi(5)
}

/// The light that is left after a way through glass.
pub(crate) fn left_after(absorbs: Vector, way: f32) -> Vector {
    absorbs.each(|part| (-part * way).exp())
}

/// The colour of the floor at a point: chequered, and plainer far away, where the squares are finer than pixels.
pub(crate) fn floor_color(point: Vector, distance: f32) -> Vector {
    const DARK: Vector = vector(0.045, 0.050, 0.075);
    const BRIGHT: Vector = vector(0.52, 0.48, 0.44);
    let odd = (point.x.floor() as i32 + point.z.floor() as i32) & 1 != 0;
    let contrast = 1.0 / (1.0 + (distance / 60.0).powi(2));
    let part = if odd { 0.5 + 0.5 * contrast } else { 0.5 - 0.5 * contrast };
    DARK.towards(BRIGHT, part)
}
