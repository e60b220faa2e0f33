//! Three numbers: a point, a direction or a colour.

use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub};

/// A point, a direction or a colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Vector {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) z: f32,
}

/// Short for what stands on every line of a scene.
pub(crate) const fn vector(x: f32, y: f32, z: f32) -> Vector {
    Vector { x, y, z }
}

impl Vector {
    pub(crate) const ZERO: Self = vector(0.0, 0.0, 0.0);
    pub(crate) const ONE: Self = vector(1.0, 1.0, 1.0);
    pub(crate) const UP: Self = vector(0.0, 1.0, 0.0);

    pub(crate) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(crate) fn cross(self, other: Self) -> Self {
        vector(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    pub(crate) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The same direction with length 1.
    pub(crate) fn unit(self) -> Self {
        self * (1.0 / self.length())
    }

    /// The direction after a mirror with this normal.
    pub(crate) fn reflected(self, normal: Self) -> Self {
        self - normal * (2.0 * self.dot(normal))
    }

    /// From `self` at 0 to `other` at 1.
    pub(crate) fn towards(self, other: Self, part: f32) -> Self {
        self * (1.0 - part) + other * part
    }

    pub(crate) fn each(self, change: impl Fn(f32) -> f32) -> Self {
        vector(change(self.x), change(self.y), change(self.z))
    }

    pub(crate) fn largest(self) -> f32 {
        self.x.max(self.y).max(self.z)
    }

    /// Two directions that stand square on this one and on each other (Duff and others, 2017).
    pub(crate) fn frame(self) -> (Self, Self) {
        let sign = 1.0_f32.copysign(self.z);
        let a = -1.0 / (sign + self.z);
        let b = self.x * self.y * a;
        (
            vector(1.0 + sign * self.x * self.x * a, sign * b, -sign * self.x),
            vector(b, sign + self.y * self.y * a, -self.y),
        )
    }
}

impl Add for Vector {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        vector(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl AddAssign for Vector {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Vector {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        vector(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Neg for Vector {
    type Output = Self;
    fn neg(self) -> Self {
        vector(-self.x, -self.y, -self.z)
    }
}

impl Mul<f32> for Vector {
    type Output = Self;
    fn mul(self, by: f32) -> Self {
        vector(self.x * by, self.y * by, self.z * by)
    }
}

impl Mul for Vector {
    type Output = Self;
    fn mul(self, by: Self) -> Self {
        vector(self.x * by.x, self.y * by.y, self.z * by.z)
    }
}

impl MulAssign for Vector {
    fn mul_assign(&mut self, by: Self) {
        *self = *self * by;
    }
}
