//! Medians, how far figures are apart, and how they grow.

use std::fmt;

/// The median of figures, the least and the greatest of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    least: f64,
    greatest: f64,
}

/// How a cost grows with a size: in a log-log plot, along a straight line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    /// The slope of the line that fits best: 1 where the cost grows as the size does.
    pub(crate) slope: f64,
    /// How many times a cost is what the line says, at most.
    pub(crate) worst: f64,
}

impl Spread {
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        Self {
            median: figures[figures.len() / 2],
            least: figures[0],
            greatest: figures[figures.len() - 1],
        }
    }
}

/// As `0.81 (0.79..0.84)`.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            median,
            least,
            greatest,
        } = *self;
        let places = f.precision().unwrap_or(2);
        write!(
            f,
            "{median:.places$} ({least:.places$}..{greatest:.places$})"
        )
    }
}

impl Growth {
    /// Fits a line to pairs of size and cost.
    pub(crate) fn of(points: &[(f64, f64)]) -> Self {
        let points: Vec<_> = points
            .iter()
            .map(|(size, cost)| (size.ln(), cost.ln()))
            .collect();
        let mean =
            |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            points
                .iter()
                .map(|point| of(point.0 - x, point.1 - y))
                .sum()
        };
        let slope = sum(&|dx, dy| dx * dy) / sum(&|dx, _| dx * dx);
        let above = points
            .iter()
            .map(|point| point.1 - y - slope * (point.0 - x));
        Self {
            slope,
            worst: above.fold(f64::NEG_INFINITY, f64::max).exp(),
        }
    }
}
