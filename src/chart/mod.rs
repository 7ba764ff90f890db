//! One function per chart: data in, SVG out.
