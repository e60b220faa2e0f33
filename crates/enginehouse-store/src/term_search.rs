//! Pages of a list by terms that no index answers: what the rest of the filter finds is compared, a part at a time.
//!
//! A page compares a bounded number of rows. If it ends before it is full, it says where the next one goes on: an honest part of
//! the answer instead of a search that nobody waits for. Both stores compare by the same rule, that of the core.

use enginehouse_core::filter::TermsAsOf;

use crate::rows::{PageRequest, ResultPage};

/// How many rows are fetched at a time.
const PART: u32 = 250;
/// How many rows one page compares.
pub(crate) const MAX_COMPARED: usize = 5_000;

/// A page in the making.
pub(crate) struct TermSearch<T> {
    limit: usize,
    /// No place before this one matches: the ids of what is listed fall.
    last_place: Option<String>,
    after: Option<String>,
    items: Vec<T>,
    compared: usize,
    next: Option<String>,
    is_over: bool,
}

impl<T> TermSearch<T> {
    pub(crate) fn new(terms: &TermsAsOf, page: &PageRequest) -> Self {
        Self {
            limit: page.limit as usize,
            last_place: terms.event_ids().map(|(first, _)| first.to_string()),
            after: page.after.clone(),
            items: Vec::new(),
            compared: 0,
            next: None,
            is_over: false,
        }
    }

    /// What to fetch next; none if the page is made.
    pub(crate) fn next_part(&self) -> Option<PageRequest> {
        (!self.is_over).then(|| PageRequest { limit: PART, after: self.after.clone() })
    }

    /// Takes what was fetched.
    pub(crate) fn take(&mut self, part: ResultPage<T>, matches: impl Fn(&T) -> bool, place: impl Fn(&T) -> String) {
        let is_short = part.items.len() < PART as usize;
        for item in part.items {
            if self.items.len() == self.limit {
                // The item may match: the next page begins with it.
                self.is_over = true;
                return;
            }
            let place = place(&item);
            if self.last_place.as_ref().is_some_and(|last| place < *last) {
                (self.next, self.is_over) = (None, true);
                return;
            }
            self.compared += 1;
            self.next = Some(place);
            if matches(&item) {
                self.items.push(item);
            }
        }
        let is_behind = |place: &String| self.last_place.as_ref().is_some_and(|last| place < last);
        self.next = part.next.filter(|place| !is_behind(place));
        self.after.clone_from(&self.next);
        // A short part with a successor has looked at as many rows, or read as many bytes, as one page may.
        self.is_over = self.next.is_none() || is_short || self.compared >= MAX_COMPARED;
        self.is_over |= self.items.len() == self.limit;
    }

    pub(crate) fn page(self) -> ResultPage<T> {
        ResultPage { items: self.items, next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::filter::{EventFilter, FilterSubject, FilterTerms};
    use enginehouse_core::time::Timestamp;

    use super::*;

    /// The pages of the numbers below `count`, largest first, that `matches` lets through; and how many parts they took.
    fn pages(count: u32, limit: u32, matches: impl Fn(&u32) -> bool) -> (Vec<Vec<u32>>, usize) {
        let (mut pages, mut parts, mut after) = (Vec::new(), 0, None);
        loop {
            let page = PageRequest { limit, after };
            let mut search = TermSearch::new(&TermsAsOf::default(), &page);
            while let Some(part) = search.next_part() {
                let from = part.after.map_or(count, |place| place.parse().unwrap());
                let items: Vec<_> = (0..from).rev().take(part.limit as usize).collect();
                let next = items.last().filter(|last| **last > 0).map(ToString::to_string);
                parts += 1;
                search.take(ResultPage { items, next }, &matches, ToString::to_string);
            }
            let page = search.page();
            pages.push(page.items);
            after = page.next;
            if after.is_none() {
                return (pages, parts);
            }
        }
    }

    #[test]
    fn every_match_is_on_one_page() {
        for (count, limit) in [(0, 3), (1, 1), (250, 250), (251, 250), (1_000, 7), (6_000, 1_000), (6_000, 40)] {
            for divisor in [1, 2, 300, 7_000] {
                let (pages, _) = pages(count, limit, |number| number % divisor == 0);
                let want: Vec<_> = (0..count).rev().filter(|number| number % divisor == 0).collect();
                assert_eq!(pages.concat(), want, "{count} {limit} {divisor}");
                assert!(pages.iter().all(|page| page.len() <= limit as usize));
            }
        }
    }

    #[test]
    fn a_page_compares_so_many_rows() {
        let (pages, parts) = pages(12_000, 10, |_| false);
        assert_eq!((pages.len(), parts), (3, 48));
    }

    #[test]
    fn a_search_for_an_id_ends_behind_it() {
        let terms = FilterTerms::parse(FilterSubject::Events, "0193").unwrap();
        let terms = EventFilter::default().matching(terms, Timestamp::MIN).terms;
        let page = PageRequest { limit: 10, after: None };
        let part = |items: Vec<&'static str>, next: Option<&str>| ResultPage { items, next: next.map(str::to_owned) };
        let id = |digits: &str| format!("{digits}0000-0000-0000-0000-000000000000");
        let mut search = TermSearch::new(&terms, &page);
        search.take(part(vec![], Some(&id("0192"))), |_| true, |place| (*place).to_owned());
        assert_eq!((search.next_part(), search.page().next), (None, None));
        let mut search = TermSearch::new(&terms, &page);
        let found = part(vec!["01930001", "0192ffff"], Some(&id("0192")));
        search.take(found, |_| true, |place| (*place).to_owned());
        assert_eq!((search.next_part(), search.page().items), (None, vec!["01930001"]));
    }
}
