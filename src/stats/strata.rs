//! Strata for permutation: as fine as their size allows.

/// Strata of units by three keys, coarsened until each holds at least `minimum` units.
///
/// ```text
/// 1. The finest cells are the distinct (key 1, key 2, key 3), in ascending order.
/// 2. Within one (key 1, key 2), cells are gathered in order of key 3 until they hold `minimum`
///    units; then the next stratum begins. A remainder joins the stratum before it. A group that
///    is too small as a whole becomes one cell: key 3 is dropped for it.
/// 3. The same over key 2 within one key 1, on the strata that step 2 left, and then over key 1.
/// ```
///
/// Only neighbours in key order are ever joined, and a stratum that is large enough is joined only
/// when a smaller one beside it needs it. The least important key therefore gives way first.
///
/// - `keys`: shape `(units,)`, from the most to the least important key (say segment, size, entry
///   cohort); the order of the values of a key is the order of joining.
/// - Returns shape `(units,)`: stratum of each unit, numbered from 0 in key order. When all units
///   together are fewer than `minimum` they form one stratum.
///
/// # Source
///
/// Coarsening by key order as in Iacus, King and Porro (2012), *Political Analysis* 20(1), 1–24,
/// with a size rule of this project.
///
/// # Examples
///
/// ```
/// let keys = [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 0], [1, 0, 0]];
/// assert_eq!(rvq::stats::coarsen(&keys, 2), [0, 0, 0, 1, 1]);
/// ```
pub fn coarsen(keys: &[[u32; 3]], minimum: usize) -> Vec<u32> {
    let mut units: Vec<usize> = (0..keys.len()).collect();
    units.sort_by_key(|&unit| keys[unit]);
    let cells: Vec<Vec<usize>> =
        units.chunk_by(|&a, &b| keys[a] == keys[b]).map(<[usize]>::to_vec).collect();
    let by_last = gather_within(&cells, minimum, |unit| &keys[unit][..2]);
    let by_second = gather_within(&by_last, minimum, |unit| &keys[unit][..1]);
    let strata = gather(by_second, minimum);
    let mut stratum_of = vec![0; keys.len()];
    for (stratum, members) in strata.iter().enumerate() {
        for &unit in members {
            stratum_of[unit] = stratum as u32;
        }
    }
    stratum_of
}

/// Gathers the cells that agree in their leading keys.
fn gather_within<'a>(
    cells: &[Vec<usize>],
    minimum: usize,
    leading: impl Fn(usize) -> &'a [u32],
) -> Vec<Vec<usize>> {
    let same_group = |a: &Vec<usize>, b: &Vec<usize>| leading(a[0]) == leading(b[0]);
    cells.chunk_by(same_group).flat_map(|group| gather(group.to_vec(), minimum)).collect()
}

/// Joins neighbouring cells until each holds `minimum` units; fewer only when all together do.
fn gather(cells: Vec<Vec<usize>>, minimum: usize) -> Vec<Vec<usize>> {
    let mut strata: Vec<Vec<usize>> = Vec::with_capacity(cells.len());
    let mut open: Vec<usize> = Vec::new();
    for cell in cells {
        open.extend(cell);
        if open.len() >= minimum {
            strata.push(std::mem::take(&mut open));
        }
    }
    match strata.last_mut() {
        Some(last) => last.extend(open),
        None if !open.is_empty() => strata.push(open),
        None => {}
    }
    strata
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(strata: &[u32]) -> Vec<usize> {
        let count = strata.iter().max().map_or(0, |&m| m as usize + 1);
        (0..count).map(|s| strata.iter().filter(|&&v| v as usize == s).count()).collect()
    }

    #[test]
    fn no_units_give_no_strata() {
        assert!(coarsen(&[], 5).is_empty());
    }

    #[test]
    fn large_cells_stay_apart() {
        let keys: Vec<[u32; 3]> = (0..40).map(|i| [i % 2, (i / 2) % 2, 0]).collect();
        assert_eq!(sizes(&coarsen(&keys, 10)), [10, 10, 10, 10]);
    }

    #[test]
    fn the_last_key_gives_way_first() {
        // Two segments of ten, each with ten cohorts of one unit.
        let keys: Vec<[u32; 3]> = (0..20).map(|i| [i / 10, 0, i % 10]).collect();
        let strata = coarsen(&keys, 5);
        assert_eq!(sizes(&strata), [5, 5, 5, 5]);
        assert_eq!(strata[9], 1);
        assert_eq!(strata[10], 2);
    }

    #[test]
    fn a_remainder_joins_the_stratum_before_it() {
        let keys: Vec<[u32; 3]> = (0..7).map(|i| [0, 0, i]).collect();
        assert_eq!(coarsen(&keys, 3), [0, 0, 0, 1, 1, 1, 1]);
    }

    #[test]
    fn too_few_units_form_one_stratum() {
        assert_eq!(coarsen(&[[2, 0, 0], [1, 0, 0], [0, 5, 1]], 20), [0, 0, 0]);
    }

    #[test]
    fn every_stratum_holds_the_minimum_and_order_of_units_does_not_matter() {
        let keys: Vec<[u32; 3]> =
            (0..200_u32).map(|i| [i * i % 3, i * 7 % 5, i * i * 13 % 24]).collect();
        let strata = coarsen(&keys, 20);
        assert!(sizes(&strata).iter().all(|&n| n >= 20), "{:?}", sizes(&strata));
        let reversed: Vec<[u32; 3]> = keys.iter().rev().copied().collect();
        let mut again = coarsen(&reversed, 20);
        again.reverse();
        assert_eq!(again, strata);
    }
}
