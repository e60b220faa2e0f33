use super::*;

const SMALL: Format = Format { width: 96, height: 54, samples: 1 };
const WHOLE: Tile = Tile { x: 0, y: 0, w: 96, h: 54 };

fn rendered(tile: Tile, glass: Glass) -> Vec<u8> {
    Scene::evening().render(SMALL, tile, glass, || true).unwrap()
}

#[test]
fn a_tile_rendered_alone_equals_that_part_of_the_whole() {
    let whole = rendered(WHOLE, Glass::Refracted);
    for tile in [Tile { x: 40, y: 20, w: 17, h: 9 }, Tile { x: 0, y: 0, w: 1, h: 1 }, Tile { x: 90, y: 50, w: 6, h: 4 }]
    {
        let part: Vec<u8> = (tile.y..tile.y + tile.h)
            .flat_map(|y| {
                let first = ((y * WHOLE.w + tile.x) * 3) as usize;
                whole[first..first + (tile.w * 3) as usize].iter().copied()
            })
            .collect();
        assert_eq!(rendered(tile, Glass::Refracted), part, "{tile:?}");
    }
}

#[test]
fn glass_that_is_refracted_looks_other_than_glass_that_is_not() {
    let middle = Tile { x: 44, y: 20, w: 8, h: 8 };
    assert!(Scene::evening().has_glass(SMALL, middle));
    assert_ne!(rendered(middle, Glass::Refracted), rendered(middle, Glass::Straight));
}

#[test]
fn the_sky_needs_no_glass() {
    let sky = Tile { x: 0, y: 0, w: 96, h: 10 };
    assert!(!Scene::evening().has_glass(SMALL, sky));
    assert!(rendered(sky, Glass::Straight).iter().all(|part| *part > 40), "it is an evening, not a night");
}

#[test]
fn rendering_stops_when_it_is_told_to() {
    let mut rows = 0;
    let stopped = Scene::evening().render(SMALL, WHOLE, Glass::Straight, || {
        rows += 1;
        rows <= 2
    });
    assert!(stopped.is_none());
    assert_eq!(rows, 3);
}
