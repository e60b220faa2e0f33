//! A picture that grows tile by tile.

use anyhow::{Context as _, ensure};

/// A rectangle of a picture, in pixels from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tile {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) w: u32,
    pub(crate) h: u32,
}

/// The size of a picture, in pixels, and how many paths of light are followed for each pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct PictureSettings {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) samples: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    known: Vec<bool>,
}

impl Picture {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let pixels = (width * height) as usize;
        Self { width, height, rgb: vec![0; pixels * 3], known: vec![false; pixels] }
    }

    /// Puts a tile in its place.
    ///
    /// # Errors
    /// It is not within the picture, does not have as many pixels as it says, or a part of it is there already.
    pub(crate) fn add(&mut self, tile: Tile, rgb: &[u8]) -> anyhow::Result<()> {
        let Tile { x, y, w, h } = tile;
        ensure!(w > 0 && h > 0 && x + w <= self.width && y + h <= self.height, "{tile:?} is not within the picture");
        ensure!(rgb.len() == (w * h * 3) as usize, "{tile:?} has {} bytes of pixels", rgb.len());
        for (row, pixels) in (y..).zip(rgb.chunks_exact((w * 3) as usize)) {
            let first = (row * self.width + x) as usize;
            let known = &mut self.known[first..first + w as usize];
            ensure!(!known.contains(&true), "{tile:?} lies over another tile");
            known.fill(true);
            self.rgb[first * 3..first * 3 + pixels.len()].copy_from_slice(pixels);
        }
        Ok(())
    }

    /// Whether every pixel is known.
    pub(crate) fn is_complete(&self) -> bool {
        self.known.iter().all(|known| *known)
    }

    /// The picture as a PNG file. What is missing is black.
    pub(crate) fn to_png(&self) -> anyhow::Result<Vec<u8>> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        let mut writer = encoder.write_header().context("could not write the picture")?;
        writer.write_image_data(&self.rgb).context("could not write the picture")?;
        writer.finish().context("could not write the picture")?;
        Ok(file)
    }

    /// The picture in `columns` x `rows` colours, each the mean of what is known there; none where nothing is.
    pub(crate) fn thumbnail(&self, columns: u32, rows: u32) -> Vec<Option<[u8; 3]>> {
        let mut cells = vec![([0_u32; 3], 0_u32); (columns * rows) as usize];
        // Every other pixel is enough to look at.
        for y in (0..self.height).step_by(2) {
            for x in (0..self.width).step_by(2) {
                let place = (y * self.width + x) as usize;
                if self.known[place] {
                    let (sums, count) =
                        &mut cells[(y * rows / self.height * columns + x * columns / self.width) as usize];
                    *count += 1;
                    for (sum, part) in sums.iter_mut().zip(&self.rgb[place * 3..]) {
                        *sum += u32::from(*part);
                    }
                }
            }
        }
        cells
            .into_iter()
            .map(|(sums, count)| (count > 0).then(|| sums.map(|sum| u8::try_from(sum / count).unwrap_or(u8::MAX))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiles::cut;

    fn filled() -> (Picture, Vec<u8>) {
        let whole: Vec<u8> = (0..64 * 36 * 3).map(|byte| (byte % 251) as u8).collect();
        let mut picture = Picture::new(64, 36);
        for tile in cut(64, 36, 7) {
            assert!(!picture.is_complete());
            let rows = (tile.y..tile.y + tile.h).map(|y| ((y * 64 + tile.x) * 3) as usize);
            let rgb: Vec<u8> = rows.flat_map(|at| whole[at..at + (tile.w * 3) as usize].to_vec()).collect();
            picture.add(tile, &rgb).unwrap();
        }
        (picture, whole)
    }

    #[test]
    fn a_picture_put_together_from_its_tiles_is_the_whole_picture() {
        let (picture, whole) = filled();
        assert!(picture.is_complete());
        let file = picture.to_png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut read = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut read).unwrap();
        assert_eq!((info.width, info.height), (64, 36));
        assert_eq!(read, whole);
    }

    #[test]
    fn a_tile_that_does_not_fit_is_refused() {
        let mut picture = Picture::new(64, 36);
        let tile = Tile { x: 60, y: 30, w: 4, h: 6 };
        assert!(picture.add(Tile { x: 61, ..tile }, &[0; 72]).is_err(), "beyond the edge");
        assert!(picture.add(tile, &[0; 71]).is_err(), "a byte is missing");
        picture.add(tile, &[0; 72]).unwrap();
        assert!(picture.add(tile, &[0; 72]).is_err(), "it is there already");
    }

    #[test]
    fn a_thumbnail_shows_what_is_known() {
        let mut picture = Picture::new(64, 36);
        picture.add(Tile { x: 0, y: 0, w: 32, h: 36 }, &[9; 32 * 36 * 3]).unwrap();
        assert_eq!(picture.thumbnail(2, 1), [Some([9, 9, 9]), None]);
    }
}
