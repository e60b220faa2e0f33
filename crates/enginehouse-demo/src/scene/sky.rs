//! The evening sky: a gradient, the glow around a low sun, and clouds.

use glam::{Vec2, Vec3, vec2, vec3};

use super::sampler::{hash, unit};

/// Where the sun stands. Of length 1.
pub(super) const SUN: Vec3 = vec3(0.3052, 0.0700, 0.9497);
/// The sine of half the angle that the sun takes up. Wider than the real one, for softer shadows.
pub(super) const SUN_RADIUS: f32 = 0.024;
const GLOW: Vec3 = vec3(1.0, 0.48, 0.16);

/// The light from a direction, without clouds and the sun itself: so smooth that few samples of it are enough.
pub(super) fn light(direction: Vec3) -> Vec3 {
    let height = direction.y.max(0.0);
    let gradient = vec3(0.72, 0.19, -0.32) * (-6.0 * height).exp() + vec3(0.34, 0.27, 0.36) * (-3.0 * height).exp();
    let towards_sun = direction.dot(SUN);
    let cool = vec3(0.55, 0.72, 1.05).lerp(Vec3::ONE, 0.5 + 0.5 * towards_sun);
    let glow = 0.30 * towards_sun.max(0.0).powi(8) + 0.8 * towards_sun.max(0.0).powi(90);
    (gradient + vec3(0.02, 0.06, 0.21)) * cool + GLOW * glow
}

/// What is seen in a direction: the light, and before it clouds and the sun.
pub(super) fn view(direction: Vec3) -> Vec3 {
    let towards_sun = direction.dot(SUN);
    let sun = if towards_sun > 1.0 - 0.5 * SUN_RADIUS * SUN_RADIUS { vec3(30.0, 17.0, 7.0) } else { Vec3::ZERO };
    // A layer of clouds overhead, seen ever flatter towards the horizon. On the side of the sun, they are lit.
    let place = vec2(direction.x, direction.z) * (1.15 / (direction.y.max(0.0) + 0.10)) + vec2(7.3, -2.1);
    let thickness = layered_noise(place);
    let lit = 0.5 + 2.8 * (thickness - layered_noise(place + vec2(SUN.x, SUN.z) * 0.22));
    let lit_color = vec3(1.35, 0.70, 0.46) + GLOW * (1.8 * towards_sun.max(0.0).powi(10));
    let cloud = vec3(0.30, 0.21, 0.34).lerp(lit_color, lit.clamp(0.0, 1.0));
    (light(direction) + sun).lerp(cloud, 0.9 * smooth((thickness - 0.46) / 0.32) * smooth(direction.y / 0.14))
}

/// Noise of five sizes, from 0 to 1.
fn layered_noise(place: Vec2) -> f32 {
    [1.0, 2.0, 4.0, 8.0, 16.0]
        .map(|scale| noise(place.rotate(Vec2::from_angle(scale)) * scale) / scale)
        .iter()
        .sum::<f32>()
        / 1.94
}

/// Random values at the corners of a grid, and smooth between them.
fn noise(place: Vec2) -> f32 {
    let cell = place.floor();
    let (u, v) = (smooth(place.x - cell.x), smooth(place.y - cell.y));
    let corner = |x: i32, y: i32| unit(hash((cell.x as i32 + x) as u32 ^ hash((cell.y as i32 + y) as u32)));
    let row = |y| corner(0, y) * (1.0 - u) + corner(1, y) * u;
    row(0) * (1.0 - v) + row(1) * v
}

/// From 0 to 1 without a kink at either end.
fn smooth(part: f32) -> f32 {
    let part = part.clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}
