//! A plot of the ratios as SVG: a bar for each, from 1 to its median, on a logarithmic axis.

use std::fmt::Write;

use super::markdown::number;
use crate::results::Results;
use crate::targets::{self, RatioTarget, Standing};

const WIDTH: f64 = 960.0;
/// Where names end and the axis begins.
const LEFT: f64 = 500.0;
const RIGHT: f64 = 880.0;
const TOP: f64 = 64.0;
const ROW: f64 = 24.0;
/// The ends of the axis. What lies beyond is drawn at the end.
const AXIS: (f64, f64) = (0.1, 10.0);
const MARKS: [f64; 7] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Text takes the colour of the reader's theme, and bars are of a middle tone that is seen on both.
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#24292f}.dim{fill:#6e7781}.grid{stroke:#8c959f;stroke-opacity:.35}\
.one{stroke:#8c959f}.least{stroke:#24292f;stroke-width:2}.aim{stroke:#24292f;stroke-width:2;stroke-dasharray:3 3}\
.spread{stroke:#8c959f;stroke-width:2}.missed{fill:#cf5f4f}.enough{fill:#4f8fcf}.reached{fill:#4fa36b}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.dim{fill:#9198a1}.least,.aim{stroke:#e6edf3}}";

/// Those of the targets that were measured.
pub(super) fn ratios(results: &Results) -> String {
    let rows: Vec<_> =
        targets::all().into_iter().filter_map(|target| target.ratio(results).map(|ratio| (target, ratio))).collect();
    let bottom = TOP + ROW * rows.len() as f64;
    let mut svg = String::new();
    draw(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\">\n<style>{STYLE}</style>\n\
         <title>Enginehouse beside other queues: ratios</title>",
            bottom + 16.0
        ),
    );
    draw(
        &mut svg,
        format_args!(
            "<text x=\"8\" y=\"20\">Ratios of one run. Line: at least; dashed: aim; grey: from round to round. \
         Green: aim reached; blue: at least; red: missed.</text>"
        ),
    );
    for mark in MARKS {
        let (x, class) = (x(mark), if mark == 1.0 { "one" } else { "grid" });
        draw(
            &mut svg,
            format_args!("<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{bottom}\"/>", TOP - 8.0),
        );
        draw(
            &mut svg,
            format_args!("<text class=\"dim\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{}\">{mark}</text>", TOP - 14.0),
        );
    }
    for (index, (target, ratio)) in rows.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        draw(
            &mut svg,
            format_args!(
                "<text text-anchor=\"end\" x=\"{}\" y=\"{}\">{}</text>",
                LEFT - 10.0,
                y + 16.0,
                escaped(&name(target))
            ),
        );
        let class = match target.standing(ratio.median) {
            Standing::Missed => "missed",
            Standing::Enough => "enough",
            Standing::Aim => "reached",
        };
        let (from, to) = (x(ratio.median.min(1.0)), x(ratio.median.max(1.0)));
        draw(
            &mut svg,
            format_args!(
                "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{}\" width=\"{:.1}\" height=\"12\"/>",
                y + 6.0,
                (to - from).max(1.0)
            ),
        );
        for (class, value) in [("least", target.bounds.0), ("aim", target.bounds.1)] {
            let x = x(value);
            draw(
                &mut svg,
                format_args!(
                    "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\"/>",
                    y + 3.0,
                    y + 21.0
                ),
            );
        }
        draw(
            &mut svg,
            format_args!(
                "<line class=\"spread\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y2}\" y2=\"{y2}\"/>",
                x(ratio.least),
                x(ratio.most),
                y2 = y + 12.0
            ),
        );
        draw(&mut svg, format_args!("<text x=\"{}\" y=\"{}\">{}</text>", RIGHT + 12.0, y + 16.0, number(ratio.median)));
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(svg, "{element}").expect("a string takes all");
}

fn name(target: &RatioTarget) -> String {
    let system = target.system.label().trim_start_matches("Enginehouse, ");
    let less = if target.is_cost { ", less is better" } else { "" };
    format!("{}: {system} / {}{less}", target.class.name(), target.against)
}

fn x(ratio: f64) -> f64 {
    let part = (ratio.clamp(AXIS.0, AXIS.1) / AXIS.0).ln() / (AXIS.1 / AXIS.0).ln();
    LEFT + (RIGHT - LEFT) * part
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::LoadClass;
    use crate::phase::PhaseFigures;
    use crate::systems::SystemName;

    #[test]
    fn the_axis_is_logarithmic_and_has_ends() {
        assert_eq!([0.01, 0.1, 1.0, 10.0, 99.0].map(x), [500.0, 500.0, 690.0, 880.0, 880.0]);
    }

    #[test]
    fn every_element_is_closed() {
        let mut results = Results::default();
        for (system, rate) in [(SystemName::Sqlite, 3.0), (SystemName::Redis, 2.0)] {
            let figures = PhaseFigures { rate, ..PhaseFigures::default() };
            results.round(0).figures.insert((LoadClass::EnqueueMany, system), figures);
        }
        let svg = ratios(&results);
        assert!(svg.contains("<rect class=\"reached\""), "{svg}");
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let name = tag.split_whitespace().next().unwrap();
            if let Some(name) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "{svg}");
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        }
        assert_eq!(open, [""; 0]);
        assert_eq!(svg.matches('&').count(), 0, "{svg}");
    }

    #[test]
    fn a_text_is_no_element() {
        assert_eq!(escaped("a < b & c"), "a &lt; b &amp; c");
    }
}
