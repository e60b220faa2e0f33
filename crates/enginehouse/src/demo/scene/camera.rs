//! Where the picture is taken from, through which lens, and how it is developed.

use super::Format;
use super::chance::{Chance, hash};
use super::tree::Ray;
use super::vector::Vector;

/// A camera with a thin lens: what is nearer or farther than the focus is blurred.
pub(crate) struct Camera {
    origin: Vector,
    forward: Vector,
    right: Vector,
    up: Vector,
    /// Half the height of what is seen at distance 1.
    half_height: f32,
    aperture: f32,
    focus: f32,
}

impl Camera {
    pub(crate) fn new(origin: Vector, target: Vector, half_height: f32, aperture: f32, focus: f32) -> Self {
        let forward = (target - origin).unit();
        let right = Vector::UP.cross(forward).unit();
        Self { origin, forward, right, up: forward.cross(right), half_height, aperture, focus }
    }

    /// A ray through somewhere near the middle of a pixel and somewhere on the lens.
    pub(crate) fn ray(&self, format: Format, x: u32, y: u32, chance: &mut Chance) -> Ray {
        let (u, v) = chance.pair();
        let aimed = self.towards(format, x as f32 + 0.5 + tent(u), y as f32 + 0.5 + tent(v));
        let (u, v) = chance.pair();
        let (across, up) = disc(u, v);
        let aside = (self.right * across + self.up * up) * self.aperture;
        Ray { origin: self.origin + aside, direction: (aimed * self.focus - aside).unit() }
    }

    /// The ray through the middle of a pixel and of the lens.
    pub(crate) fn middle_ray(&self, format: Format, x: u32, y: u32) -> Ray {
        let direction = self.towards(format, x as f32 + 0.5, y as f32 + 0.5).unit();
        Ray { origin: self.origin, direction }
    }

    fn towards(&self, format: Format, x: f32, y: f32) -> Vector {
        let scale = 2.0 * self.half_height / format.height as f32;
        let across = (x - format.width as f32 * 0.5) * scale;
        let up = (format.height as f32 * 0.5 - y) * scale;
        self.forward + self.right * across + self.up * up
    }
}

/// A pixel is a little wider than its square, and fades towards its edge.
fn tent(part: f32) -> f32 {
    let part = 2.0 * part;
    if part < 1.0 { part.sqrt() - 1.0 } else { 1.0 - (2.0 - part).sqrt() }
}

/// A point of the disc of radius 1.
pub(crate) fn disc(u: f32, v: f32) -> (f32, f32) {
    let (sin, cos) = (std::f32::consts::TAU * u).sin_cos();
    (v.sqrt() * cos, v.sqrt() * sin)
}

/// Light as a screen shows it.
pub(crate) fn developed(light: Vector, format: Format, x: u32, y: u32) -> [u8; 3] {
    let aside = (x as f32 + 0.5) / format.width as f32 - 0.5;
    let above = (y as f32 + 0.5) / format.height as f32 - 0.5;
    let corners = 1.0 - 0.55 * (aside * aside + above * above);
    let film = (light * (EXPOSURE * corners)).each(film);
    // A little chance keeps the slow gradient of a sky from showing steps.
    let grain = (hash(x ^ hash(y ^ 0x51_7e)) >> 8) as f32 / 16_777_216.0 - 0.5;
    [film.x, film.y, film.z].map(|part| (srgb(part) * 255.0 + 0.5 + 0.9 * grain).clamp(0.0, 255.0) as u8)
}

const EXPOSURE: f32 = 0.86;

/// Bright light is compressed instead of cut (Narkowicz's fit of the ACES curve).
fn film(light: f32) -> f32 {
    (light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)).clamp(0.0, 1.0)
}

fn srgb(light: f32) -> f32 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}
