//! Random numbers that depend on the pixel only. Each decision on a path of light takes a pair of them. The pairs that the
//! samples of a pixel take for one decision fill the unit square evenly: Sobol's sequence, scrambled for each pixel and
//! decision (Burley, "Practical Hash-based Owen Scrambling", 2020). Independent numbers would need several times as many.

use glam::{Vec2, vec2};

pub(super) struct Sampler {
    pixel: u32,
    sample: u32,
    decision: u32,
}

impl Sampler {
    pub(super) fn new(x: u32, y: u32, sample: u32) -> Self {
        Self { pixel: hash(x ^ hash(y)), sample, decision: 0 }
    }

    /// A point of the unit square.
    pub(super) fn pair(&mut self) -> Vec2 {
        self.decision += 1;
        let seed = hash(self.pixel ^ self.decision.wrapping_mul(0x9e37_79b9));
        let first = scramble(self.sample, seed);
        // The sequence's matrix for the second dimension is Pascal's triangle modulo 2.
        let pascal = [(1, 0x5555_5555), (2, 0x3333_3333), (4, 0x0f0f_0f0f), (8, 0x00ff_00ff), (16, 0x0000_ffff)];
        let second = pascal.iter().fold(first, |bits, (shift, mask)| bits ^ ((bits >> shift) & mask));
        let [x, y] = [first, second].map(u32::reverse_bits);
        vec2(unit(scramble(x, hash(seed ^ 1))), unit(scramble(y, hash(seed ^ 2))))
    }
}

/// Owen's scrambling: whether a bit is flipped depends on the bits above it.
fn scramble(value: u32, seed: u32) -> u32 {
    let start = value.reverse_bits().wrapping_add(seed);
    let mix = |v: u32, factor| v ^ v.wrapping_mul(factor);
    [0x6c50_b47c, 0xb82f_1e52, 0xc7af_e638, 0x8d22_f6e6].into_iter().fold(start, mix).reverse_bits()
}

/// Mixes all bits (Wellons, "lowbias32").
pub(super) fn hash(mut v: u32) -> u32 {
    v = (v ^ (v >> 16)).wrapping_mul(0x7feb_352d);
    v = (v ^ (v >> 15)).wrapping_mul(0x846c_a68b);
    v ^ (v >> 16)
}

/// From 0 to 1, 1 excluded: an `f32` holds 24 bits exactly.
pub(super) fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 / 16_777_216.0
}
