//! The frame every chart shares: fonts, colours, title, legend, footer, description.

use std::sync::OnceLock;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle, register_font,
};

use super::ChartError;

pub(super) const WIDTH: i32 = 960;
pub(super) const HEIGHT: i32 = 540;
/// Space left empty around everything.
pub(super) const MARGIN: i32 = 24;

/// Heights of text [pixels of the view box].
pub(super) const TITLE: i32 = 27;
pub(super) const LABEL: i32 = 20;
pub(super) const NOTE: i32 = 17;

pub(super) const INK: RGBColor = RGBColor(32, 33, 36);
pub(super) const MUTED: RGBColor = RGBColor(89, 93, 99);
pub(super) const GRID: RGBColor = RGBColor(222, 225, 229);
pub(super) const PALE: RGBColor = RGBColor(240, 242, 244);
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);

// Okabe and Ito (2008): told apart with every common colour-vision deficiency.
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(super) const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub(super) const GREEN: RGBColor = RGBColor(0, 158, 115);
pub(super) const VERMILLION: RGBColor = RGBColor(213, 94, 0);
pub(super) const SKY: RGBColor = RGBColor(86, 180, 233);
pub(super) const PURPLE: RGBColor = RGBColor(204, 121, 167);

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Painted<T = ()> = Result<T, DrawingAreaErrorKind<std::io::Error>>;

/// The words around a picture.
#[derive(Debug)]
pub(super) struct Caption<'a> {
    pub(super) name: &'a str,
    pub(super) title: &'a str,
    pub(super) alt: &'a str,
    /// How to read the marks: one or two short sentences.
    pub(super) note: &'a str,
    pub(super) simulated: bool,
}

/// How a legend entry looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Line,
    Band,
    Dot,
}

/// The free part of a picture while it is painted.
pub(super) struct Canvas<'a> {
    pub(super) root: Area<'a>,
    /// First free row of pixels below title and legend.
    pub(super) top: i32,
    /// First row of pixels taken by the footer.
    pub(super) bottom: i32,
}

/// Draws the frame, lets `paint` fill it, and adds the description for screen readers.
pub(super) fn picture(
    caption: &Caption<'_>,
    paint: impl FnOnce(&mut Canvas<'_>) -> Painted,
) -> Result<String, ChartError> {
    register_fonts()?;
    let mut svg = String::new();
    paint_frame(&mut svg, caption, paint)
        .map_err(|source| ChartError::Draw { chart: caption.name.to_owned(), source })?;
    Ok(described(&svg, caption))
}

fn paint_frame(
    svg: &mut String,
    caption: &Caption<'_>,
    paint: impl FnOnce(&mut Canvas<'_>) -> Painted,
) -> Painted {
    let root = SVGBackend::with_string(svg, (WIDTH as u32, HEIGHT as u32)).into_drawing_area();
    root.fill(&PAPER)?;
    let mut canvas = Canvas { root, top: 18, bottom: HEIGHT - 12 };
    canvas.title(caption.title)?;
    canvas.footer(caption)?;
    paint(&mut canvas)?;
    canvas.root.present()
}

/// Upright sans-serif text of this height.
pub(super) fn text(size: i32, color: RGBColor) -> TextStyle<'static> {
    styled(FontStyle::Normal, size, color)
}

/// Bold sans-serif text of this height.
pub(super) fn bold(size: i32, color: RGBColor) -> TextStyle<'static> {
    styled(FontStyle::Bold, size, color)
}

fn styled(style: FontStyle, size: i32, color: RGBColor) -> TextStyle<'static> {
    let font = FontDesc::new(FontFamily::SansSerif, f64::from(size), style);
    TextStyle { color: color.to_backend_color(), ..font.into() }
}

impl Canvas<'_> {
    /// Width of one line of text.
    pub(super) fn width(&self, line: &str, style: &TextStyle<'_>) -> Painted<i32> {
        Ok(self.root.estimate_text_size(line, style)?.0 as i32)
    }

    /// Writes one line with its left, centre or right at `x` and its middle at `y`.
    pub(super) fn write(
        &self,
        line: &str,
        (x, y): (i32, i32),
        side: HPos,
        style: &TextStyle<'_>,
    ) -> Painted {
        let style = style.pos(Pos::new(side, VPos::Center));
        self.root.draw(&Text::new(printable(line), (x, y), style))
    }

    /// Breaks `sentence` into lines no wider than `width`; past `most` lines it ends in `…`.
    pub(super) fn wrap(
        &self,
        sentence: &str,
        style: &TextStyle<'_>,
        width: i32,
        most: usize,
    ) -> Painted<Vec<String>> {
        let mut lines = vec![String::new()];
        for word in sentence.split([' ', '\n', '\t']).filter(|w| !w.is_empty()) {
            let line = lines.last_mut().expect("there is always a line");
            let longer = if line.is_empty() { word.into() } else { format!("{line} {word}") };
            if line.is_empty() || self.width(&longer, style)? <= width {
                *line = longer;
            } else {
                lines.push(word.to_owned());
            }
        }
        if lines.len() > most {
            lines.truncate(most);
            let last = lines.last_mut().expect("`most` is at least 1");
            last.push('…');
        }
        for line in &mut lines {
            *line = self.shorten(line, style, width)?;
        }
        Ok(lines)
    }

    /// `line`, cut to `width` with `…` when it is longer.
    pub(super) fn shorten(&self, line: &str, style: &TextStyle<'_>, width: i32) -> Painted<String> {
        let mut kept = line.to_owned();
        let mut shown = kept.clone();
        while self.width(&shown, style)? > width && kept.pop().is_some() {
            shown = format!("{}…", kept.trim_end_matches(['…', ' ']));
        }
        Ok(shown)
    }

    fn title(&mut self, title: &str) -> Painted {
        let style = bold(TITLE, INK);
        for line in self.wrap(title, &style, WIDTH - 2 * MARGIN, 3)? {
            self.write(&line, (MARGIN, self.top + 14), HPos::Left, &style)?;
            self.top += 30;
        }
        self.top += 6;
        Ok(())
    }

    fn footer(&mut self, caption: &Caption<'_>) -> Painted {
        let style = text(NOTE, MUTED);
        if caption.simulated {
            let words = "Simulated data: planted, recovered.";
            let y = self.bottom - 8;
            self.write(words, (MARGIN, y), HPos::Left, &bold(NOTE, VERMILLION))?;
            self.bottom -= 21;
        }
        for line in self.wrap(caption.note, &style, WIDTH - 2 * MARGIN, 3)?.iter().rev() {
            self.write(line, (MARGIN, self.bottom - 8), HPos::Left, &style)?;
            self.bottom -= 21;
        }
        self.bottom -= 4;
        Ok(())
    }

    /// Draws the legend in rows under the title.
    pub(super) fn legend(&mut self, entries: &[(&str, RGBColor, Key)]) -> Painted {
        let style = text(LABEL, INK);
        let (mut x, mut y) = (MARGIN, self.top + 10);
        for &(label, color, key) in entries {
            let label = self.shorten(label, &style, WIDTH - 2 * MARGIN - 36)?;
            let width = 36 + self.width(&label, &style)? + 26;
            if x > MARGIN && x + width - 26 > WIDTH - MARGIN {
                (x, y) = (MARGIN, y + 26);
            }
            self.key(key, (x, y), color)?;
            self.write(&label, (x + 36, y), HPos::Left, &style)?;
            x += width;
        }
        self.top = y + 18;
        Ok(())
    }

    pub(super) fn key(&self, key: Key, (x, y): (i32, i32), color: RGBColor) -> Painted {
        match key {
            Key::Line => {
                let line = PathElement::new(vec![(x, y), (x + 28, y)], color.stroke_width(4));
                self.root.draw(&line)
            }
            Key::Band => {
                let fill = color.mix(0.25).filled();
                self.root.draw(&Rectangle::new([(x, y - 8), (x + 28, y + 8)], fill))
            }
            Key::Dot => {
                let whisker: ShapeStyle = color.stroke_width(2);
                let line = PathElement::new(vec![(x + 14, y - 9), (x + 14, y + 9)], whisker);
                self.root.draw(&line)?;
                self.root.draw(&Circle::new((x + 14, y), 5, color.filled()))
            }
        }
    }

    /// Says in the middle of the free space that there is nothing to draw.
    pub(super) fn nothing(&self, why: &str) -> Painted {
        let middle = (WIDTH / 2, i32::midpoint(self.top, self.bottom));
        self.write(why, middle, HPos::Center, &text(LABEL, MUTED))
    }
}

/// `plotters` measures text with these bytes; a viewer draws it with its own fonts.
fn register_fonts() -> Result<(), ChartError> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        let fonts =
            [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())];
        fonts.into_iter().all(|(style, bytes)| register_font("sans-serif", style, bytes).is_ok())
    });
    if *registered { Ok(()) } else { Err(ChartError::Font { font: "DejaVu Sans" }) }
}

/// The picture with a title and a description for screen readers.
fn described(svg: &str, caption: &Caption<'_>) -> String {
    let (start, marks) = svg.split_once('>').expect("an SVG begins with its element");
    let (title, alt) = (escaped(caption.title), escaped(caption.alt));
    format!("{start} role=\"img\">\n<title>{title}</title>\n<desc>{alt}</desc>{marks}")
}

fn escaped(words: &str) -> String {
    printable(words)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// `words` without the characters that XML cannot hold.
fn printable(words: &str) -> String {
    let unprintable = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    words.chars().map(|c| if unprintable(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(title: &str, note: &str) -> String {
        let caption =
            Caption { name: "test", title, alt: "what <is> shown", note, simulated: true };
        picture(&caption, |canvas| canvas.nothing("no data")).unwrap()
    }

    #[test]
    fn text_from_data_is_escaped_everywhere() {
        let svg = drawn("a <b> & \u{1} c", "note <script>");
        assert!(!svg.contains("<b>") && !svg.contains("<script>") && !svg.contains('\u{1}'));
        assert!(svg.contains("<desc>what &lt;is&gt; shown</desc>"));
    }

    #[test]
    fn simulated_data_are_marked_on_the_picture() {
        assert!(drawn("title", "note").contains("planted, recovered"));
    }

    #[test]
    fn a_long_title_is_cut_after_three_lines() {
        let svg = drawn(&"word ".repeat(200), "note");
        assert_eq!(svg.matches("font-weight=\"bold\"").count(), 3 + 1);
        assert!(svg.contains('…'));
    }
}
