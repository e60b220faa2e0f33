//! The evening sky: a gradient, the glow around a low sun, and a few clouds.

use super::chance::hash;
use super::vector::{Vector, vector};

const ZENITH: Vector = vector(0.045, 0.105, 0.30);
const MIDDLE: Vector = vector(0.20, 0.29, 0.58);
const LOW: Vector = vector(0.86, 0.38, 0.27);
const HORIZON: Vector = vector(1.10, 0.54, 0.24);
const GLOW: Vector = vector(1.0, 0.52, 0.20);

/// The light of the sun's disc, as it falls on a surface that faces it.
pub(crate) const SUNLIGHT: Vector = vector(4.6, 3.05, 1.75);
/// How wide the sun is: the sine of half its angle. Wider than the real one, for softer shadows.
pub(crate) const SUN_RADIUS: f32 = 0.028;

/// Where the sun stands: low over the hills, a little to the right. Of length 1.
pub(crate) const SUN: Vector = vector(0.522_386, 0.122_560, 0.843_855);
/// The same along the ground, of length 1.
const SUN_SIDE: (f32, f32) = (0.526_354, 0.850_266);

/// What comes from a direction, the sun's disc and the clouds aside: smooth, so that a few samples of it do.
pub(crate) fn light(direction: Vector) -> Vector {
    let height = direction.y.max(0.0);
    let near_sun = direction.dot(SUN).max(0.0);
    // The evening is on the sun's side.
    let side = 0.5 + 0.5 * near_horizontal(direction);
    let low = vector(0.46, 0.33, 0.46).towards(LOW, side);
    let horizon = vector(0.70, 0.45, 0.42).towards(HORIZON, side);
    let base = if height < 0.06 {
        horizon.towards(low, smooth(height / 0.06))
    } else if height < 0.24 {
        low.towards(MIDDLE, smooth((height - 0.06) / 0.18))
    } else {
        MIDDLE.towards(ZENITH, smooth((height - 0.24) / 0.6))
    };
    let glow = 0.32 * near_sun.powi(6) + 0.75 * near_sun.powi(48);
    base + GLOW * glow
}

/// What is seen in a direction: the light, the clouds before it, and the sun.
pub(crate) fn view(direction: Vector) -> Vector {
    let mut seen = light(direction);
    let towards_sun = direction.dot(SUN);
    let (cover, lit) = clouds(direction);
    let bright = vector(1.5, 0.92, 0.66) + GLOW * (2.0 * towards_sun.max(0.0).powi(12));
    let shade = vector(0.40, 0.31, 0.44);
    seen = seen.towards(shade.towards(bright, lit), cover);
    let edge = (1.0 - SUN_RADIUS * SUN_RADIUS).sqrt();
    if towards_sun > edge {
        seen += vector(28.0, 17.0, 8.0) * (1.0 - cover);
    }
    hills(direction, seen)
}

/// Two ranges of hills before the lowest sky, the nearer one darker.
fn hills(direction: Vector, behind: Vector) -> Vector {
    if direction.y > 0.08 {
        return behind;
    }
    let side = near_horizontal(direction).max(0.0);
    let haze = vector(0.50, 0.33, 0.36).towards(vector(1.05, 0.56, 0.28), side.powi(8));
    let flat = (direction.x * direction.x + direction.z * direction.z).sqrt().max(1e-4);
    let (x, z) = (direction.x / flat, direction.z / flat);
    let far = 0.014 + 0.050 * layers(x * 3.1 + 40.0, z * 3.1).powi(2);
    let near = 0.004 + 0.030 * layers(x * 4.3 - 9.0, z * 4.3 + 5.0).powi(2);
    let height = direction.y / flat;
    let seen = behind.towards(vector(0.20, 0.17, 0.31).towards(haze, 0.42), edge(far - height));
    seen.towards(vector(0.11, 0.10, 0.21).towards(haze, 0.22), edge(near - height))
}

/// 0 outside, 1 inside, in between on a line as thin as the picture's pixels.
fn edge(inside: f32) -> f32 {
    smooth(inside / 0.0012)
}

/// 1 towards the sun, -1 away from it, whatever the height.
fn near_horizontal(direction: Vector) -> f32 {
    let flat = (direction.x * direction.x + direction.z * direction.z).sqrt().max(1e-4);
    (direction.x * SUN_SIDE.0 + direction.z * SUN_SIDE.1) / flat
}

/// How much of the sky a cloud covers, and how much of the sun's light it shows.
fn clouds(direction: Vector) -> (f32, f32) {
    if direction.y < 0.015 {
        return (0.0, 0.0);
    }
    let scale = 1.0 / (direction.y + 0.10);
    let (x, z) = (direction.x * scale * 1.15 + 7.3, direction.z * scale * 1.15 - 2.1);
    let thick = layers(x, z);
    // A little nearer to the sun the cloud is thinner on its lit side.
    let thick_ahead = layers(x + SUN.x * 0.22, z + SUN.z * 0.22);
    let cover = smooth(((thick - 0.47) / 0.30).clamp(0.0, 1.0));
    let lit = (0.55 + 2.6 * (thick - thick_ahead)).clamp(0.0, 1.0);
    let far = smooth((direction.y / 0.14).min(1.0));
    (cover * far * 0.88, lit)
}

/// Noise of several sizes, from 0 to 1.
fn layers(x: f32, z: f32) -> f32 {
    let mut sum = 0.0;
    let (mut x, mut z, mut weight) = (x, z, 0.5);
    for _ in 0..5 {
        sum += weight * noise(x, z);
        weight *= 0.5;
        (x, z) = (1.6 * x + 1.2 * z + 3.7, 1.6 * z - 1.2 * x + 1.9);
    }
    sum / 0.97
}

/// Smooth chance over the plane, from 0 to 1.
fn noise(x: f32, z: f32) -> f32 {
    let (column, row) = (x.floor(), z.floor());
    let (u, v) = (smooth(x - column), smooth(z - row));
    let corner = |right: i32, up: i32| {
        let (column, row) = (column as i32 + right, row as i32 + up);
        (hash(column as u32 ^ hash(row as u32)) >> 8) as f32 / 16_777_216.0
    };
    let low = corner(0, 0) * (1.0 - u) + corner(1, 0) * u;
    let high = corner(0, 1) * (1.0 - u) + corner(1, 1) * u;
    low * (1.0 - v) + high * v
}

/// From 0 to 1 without a kink at either end.
pub(crate) fn smooth(part: f32) -> f32 {
    let part = part.clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}
