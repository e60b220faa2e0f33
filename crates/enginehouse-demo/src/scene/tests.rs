use super::*;

const SMALL: PictureSettings = PictureSettings { width: 96, height: 54, samples: 2 };
const WHOLE: Tile = Tile { x: 0, y: 0, w: 96, h: 54 };

#[test]
fn a_tile_rendered_alone_equals_that_part_of_the_whole() {
    let rendered = |tile| Scene::new().render(SMALL, tile, || true).unwrap();
    let whole = rendered(WHOLE);
    for (x, y, w) in [(40, 20, 17), (0, 0, 1), (90, 53, 6)] {
        let start = ((y * 96 + x) * 3) as usize;
        assert_eq!(rendered(Tile { x, y, w, h: 1 }), whole[start..start + w as usize * 3], "{x} {y}");
    }
}

#[test]
fn glass_is_in_the_middle_and_not_in_the_sky() {
    assert!(Scene::new().has_glass(SMALL, Tile { x: 44, y: 20, w: 8, h: 8 }));
    assert!(!Scene::new().has_glass(SMALL, Tile { h: 10, ..WHOLE }));
}

#[test]
fn rendering_stops_when_it_is_told_to() {
    let mut rows = 0..2;
    assert!(Scene::new().render(SMALL, WHOLE, || rows.next().is_some()).is_none());
    assert!(rows.is_empty());
}

#[test]
fn the_samples_of_a_pixel_fill_the_unit_square_evenly() {
    for decision in 1..=4 {
        let mut cells = [0; 64];
        for mut sampler in (0..64).map(|sample| Sampler::new(17, 4, sample)) {
            let place = (0..decision).map(|_| sampler.pair()).last().unwrap() * 8.0;
            cells[place.x as usize * 8 + place.y as usize] += 1;
        }
        assert_eq!(cells, [1; 64], "decision {decision}");
    }
}
