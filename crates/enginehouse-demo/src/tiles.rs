//! The picture, cut into tiles, each tile an event.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_core::json::RawJson;
use serde::{Deserialize, Serialize};

use super::picture::{PictureSettings, Tile};
use super::scene::Scene;

/// The type of the demo's events.
pub(crate) const EVENT_TYPE: &str = "demo.tile";
/// What every engine of the demo can do.
pub(crate) const RAYTRACE: &str = "raytrace";
/// What only some engines can do: tiles in which glass is seen take the most work.
pub(crate) const RAYTRACE_GLASS: &str = "raytrace.glass";
/// The scenario run that all tiles belong to.
pub(crate) const SCENARIO_RUN: &str = "evening";

/// The payload of a tile's event: everything that an engine needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TilePayload {
    /// Which tile of the picture, from 1.
    pub(crate) number: u32,
    pub(crate) picture: PictureSettings,
    pub(crate) tile: Tile,
    /// Whether glass is seen in it.
    pub(crate) glass: bool,
    /// How many attempts are to fail before one may succeed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) fail_first: u32,
    /// Whether every attempt is to fail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) poison: bool,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TileResult {
    /// Rows of red, green and blue, in base64.
    pub(crate) rgb: String,
    pub(crate) milliseconds: u64,
}

impl TilePayload {
    pub(crate) fn read(payload: &RawJson) -> anyhow::Result<Self> {
        serde_json::from_str(payload.as_str()).context("the payload is not that of a tile")
    }

    pub(crate) fn to_payload(&self) -> anyhow::Result<RawJson> {
        Ok(RawJson::from(&serde_json::to_value(self)?))
    }

    /// The tile's pixels. None if `go_on` says no.
    pub(crate) fn render(&self, scene: &Scene, go_on: impl FnMut() -> bool) -> Option<Vec<u8>> {
        scene.render(self.picture, self.tile, go_on)
    }

    /// What an engine must have free: glass is the most work, and the sky the least.
    fn required_memory_mb(&self) -> Option<u64> {
        let is_sky = (self.tile.y + self.tile.h) * 4 <= self.picture.height;
        if self.glass {
            Some(96)
        } else if is_sky {
            None
        } else {
            Some(32)
        }
    }

    /// The event that asks for this tile.
    pub(crate) fn to_event(&self) -> anyhow::Result<EnqueueRequest> {
        // Glass comes early, because few engines can render it. What should fail comes first: its retries take time.
        let priority = match (self.fail_first > 0 || self.poison, self.glass) {
            (true, _) => 3,
            (false, true) => 4,
            (false, false) => 5,
        };
        let mut required_capabilities = vec![RAYTRACE.to_owned()];
        required_capabilities.extend(self.glass.then(|| RAYTRACE_GLASS.to_owned()));
        Ok(EnqueueRequest {
            event_type: EVENT_TYPE.to_owned(),
            payload: Some(self.to_payload()?),
            priority: Some(priority),
            required_capabilities,
            required_memory_mb: self.required_memory_mb(),
            scenario_run_id: Some(SCENARIO_RUN.to_owned()),
            idempotency_key: Some(format!("{SCENARIO_RUN}-tile-{}", self.number)),
            ..EnqueueRequest::default()
        })
    }
}

impl TileResult {
    pub(crate) fn new(rgb: &[u8], milliseconds: u64) -> Self {
        Self { rgb: STANDARD.encode(rgb), milliseconds }
    }

    pub(crate) fn read(result: &RawJson) -> anyhow::Result<Self> {
        serde_json::from_str(result.as_str()).context("the result is not that of a tile")
    }

    pub(crate) fn pixels(&self) -> anyhow::Result<Vec<u8>> {
        STANDARD.decode(&self.rgb).context("the result's pixels are not base64")
    }
}

/// Cuts a picture into exactly `count` tiles, row by row.
pub(crate) fn cut(width: u32, height: u32, count: u32) -> Vec<Tile> {
    // As many rows as make the tiles nearly square.
    let rows = (f64::from(count) * f64::from(height) / f64::from(width)).sqrt().round();
    let rows = (rows as u32).clamp(1, count.min(height));
    let share = |whole: u32, part: u32, parts: u32| whole * part / parts;
    let mut tiles = Vec::new();
    for row in 0..rows {
        let (y, below) = (share(height, row, rows), share(height, row + 1, rows));
        let columns = share(count, row + 1, rows) - share(count, row, rows);
        for column in 0..columns {
            let (x, right) = (share(width, column, columns), share(width, column + 1, columns));
            tiles.push(Tile { x, y, w: right - x, h: below - y });
        }
    }
    tiles
}

/// Every tile of the picture. A few fail at their first attempt, and one is poisoned: it fails at all of them.
pub(crate) fn tiles(scene: &Scene, picture: PictureSettings, count: u32) -> Vec<TilePayload> {
    let poisoned = count * 7 / 10;
    let failing = (count / 24).max(2);
    let fails_first = |place: u32| (0..failing).any(|number| place == (2 * number + 1) * count / (2 * failing));
    cut(picture.width, picture.height, count)
        .into_iter()
        .zip(0..)
        .map(|(tile, place)| {
            let glass = scene.has_glass(picture, tile);
            TilePayload {
                number: place + 1,
                // Light takes more ways through glass, so that it needs more samples.
                picture: PictureSettings {
                    samples: if glass { 2 * picture.samples } else { picture.samples },
                    ..picture
                },
                tile,
                glass,
                fail_first: u32::from(fails_first(place) && place != poisoned),
                poison: place == poisoned,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PICTURE;

    #[test]
    fn the_tiles_cover_the_picture_and_each_result_fits_into_an_event() {
        for count in 16..=1_000 {
            let tiles = cut(1280, 720, count);
            assert_eq!(tiles.len(), count as usize);
            let covered: u32 = tiles.iter().map(|tile| tile.w * tile.h).sum();
            assert_eq!(covered, 1280 * 720, "{count} tiles");
            for (one, next) in tiles.iter().zip(&tiles[1..]) {
                assert!((next.x, next.y) == (one.x + one.w, one.y) || (next.x, next.y) == (0, one.y + one.h));
            }
            let largest = tiles.iter().map(|tile| tile.w * tile.h * 3).max().unwrap();
            assert!(largest.div_ceil(3) * 4 + 100 <= 256 * 1024, "{count} tiles");
        }
    }

    #[test]
    fn some_tiles_fail_at_first_and_one_for_good() {
        for count in [16, 24, 120, 1_000] {
            let tiles = tiles(&Scene::new(), PICTURE, count);
            let failing = tiles.iter().filter(|tile| tile.fail_first > 0).count();
            assert!((2..=count as usize / 16 + 1).contains(&failing), "{failing} of {count}");
            assert_eq!(tiles.iter().filter(|tile| tile.poison).count(), 1);
            assert!(tiles.iter().all(|tile| !(tile.poison && tile.fail_first > 0)));
            let glass = tiles.iter().filter(|tile| tile.glass).count();
            assert!((1..count as usize).contains(&glass), "{glass} of {count}");
        }
    }

    #[test]
    fn an_event_says_what_its_tile_needs() {
        for tile in tiles(&Scene::new(), PICTURE, 96) {
            let event = tile.to_event().unwrap();
            assert_eq!(event.required_capabilities.contains(&RAYTRACE_GLASS.to_owned()), tile.glass);
            assert_eq!(TilePayload::read(event.payload.as_ref().unwrap()).unwrap(), tile);
            assert!(event.check().is_ok());
        }
    }
}
