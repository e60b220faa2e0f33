//! Numbers that look like chance and are not: the same for the same pixel, whichever engine renders it.
//!
//! A path asks for pairs of numbers, one after the other. The pairs that the samples of one pixel get for the same
//! question fill the unit square evenly: the first two dimensions of Sobol's sequence, scrambled anew for each pixel
//! and question (Burley, "Practical Hash-based Owen Scrambling", 2020). A fraction of the samples does for the same
//! picture.

/// The chance of one path.
pub(crate) struct Chance {
    pixel: u32,
    sample: u32,
    question: u32,
}

impl Chance {
    pub(crate) fn of(x: u32, y: u32, sample: u32) -> Self {
        Self { pixel: hash(x ^ hash(y)), sample, question: 0 }
    }

    /// Two numbers from 0 to 1, 1 excluded.
    pub(crate) fn pair(&mut self) -> (f32, f32) {
        self.question += 1;
        let seed = hash(self.pixel ^ self.question.wrapping_mul(0x9e37_79b9));
        let sample = scrambled(self.sample, seed);
        let first = scrambled(sample.reverse_bits(), hash(seed ^ 0x5bd1_e995));
        let second = scrambled(sobol_second(sample), hash(seed ^ 0x27d4_eb2f));
        (unit(first), unit(second))
    }
}

/// 24 bits are exact in a single.
fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 / 16_777_216.0
}

/// The second dimension of Sobol's sequence; the first is the reversal of the bits.
fn sobol_second(mut index: u32) -> u32 {
    let mut direction = 1 << 31;
    let mut value = 0;
    while index != 0 {
        if index & 1 != 0 {
            value ^= direction;
        }
        index >>= 1;
        direction ^= direction >> 1;
    }
    value
}

/// Owen's scrambling: each bit is flipped or not, depending on the bits above it.
fn scrambled(value: u32, seed: u32) -> u32 {
    let mut v = value.reverse_bits();
    v = v.wrapping_add(seed);
    v ^= v.wrapping_mul(0x6c50_b47c);
    v ^= v.wrapping_mul(0xb82f_1e52);
    v ^= v.wrapping_mul(0xc7af_e638);
    v ^= v.wrapping_mul(0x8d22_f6e6);
    v.reverse_bits()
}

/// Mixes all bits (Wellons, "lowbias32").
pub(crate) fn hash(mut v: u32) -> u32 {
    v ^= v >> 16;
    v = v.wrapping_mul(0x7feb_352d);
    v ^= v >> 15;
    v = v.wrapping_mul(0x846c_a68b);
    v ^ (v >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_a_pixel_fill_the_unit_square_evenly() {
        for question in 0..4 {
            let mut cells = [0; 64];
            for sample in 0..64 {
                let mut chance = Chance::of(17, 4, sample);
                let (a, b) = (0..=question).map(|_| chance.pair()).last().unwrap();
                assert!((0.0..1.0).contains(&a) && (0.0..1.0).contains(&b));
                cells[(a * 8.0) as usize * 8 + (b * 8.0) as usize] += 1;
            }
            assert_eq!(cells, [1; 64], "question {question}");
        }
    }
}
