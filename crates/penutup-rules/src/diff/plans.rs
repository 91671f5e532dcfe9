//! Whether given demands allow a plan that contains some steps, lacks others, and has one step before another. A plan is
//! a non-empty sequence of distinct steps. Exact within a limit of work.

/// The limit of work was reached before a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfWork;

/// The remaining work; one unit is a step or condition examined.
#[derive(Debug)]
pub(super) struct Work(usize);

impl Work {
    pub(super) fn new(units: usize) -> Self {
        Self(units)
    }

    pub(super) fn spend(&mut self, units: usize) -> Result<(), OutOfWork> {
        let left = self.0.checked_sub(units);
        self.0 = left.unwrap_or(0);
        left.map(|_| ()).ok_or(OutOfWork)
    }
}

/// A demand on a plan, with the steps by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Atom {
    Present(usize),
    Absent(usize),
    /// Exactly one of these; sorted.
    One(Vec<usize>),
    /// Those that are in the plan are in this order.
    Order(Vec<usize>),
    Last(usize),
    /// In a closing, each satisfies the others; does not constrain plans. Sorted.
    Alternatives(Vec<usize>),
}

#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// Steps that exist; a plan has no others.
    pub known: Vec<bool>,
    pub spoken: Vec<bool>,
}

/// A query for a plan that meets all demands.
pub(super) struct PlanQuery<'a> {
    pub steps: &'a Steps,
    pub demands: &'a [&'a Atom],
    pub with: &'a [usize],
    pub without: &'a [usize],
    /// The first must be before the second.
    pub before: Option<(usize, usize)>,
}

impl PlanQuery<'_> {
    pub(super) fn exists(&self, work: &mut Work) -> Result<bool, OutOfWork> {
        let mut chosen: Vec<Option<bool>> = self.steps.known.iter().map(|known| (!known).then_some(false)).collect();
        let required = self.demands.iter().filter_map(|atom| match atom {
            Atom::Present(step) | Atom::Last(step) => Some((*step, true)),
            Atom::Absent(step) => Some((*step, false)),
            _ => None,
        });
        let asked = self.with.iter().map(|step| (*step, true)).chain(self.without.iter().map(|step| (*step, false)));
        for (step, is_there) in required.chain(asked) {
            if chosen[step].replace(is_there).is_some_and(|other| other != is_there) {
                return Ok(false);
            }
        }
        self.can_be_completed(chosen, work)
    }

    /// Whether the choices made so far can be completed to a plan.
    fn can_be_completed(&self, mut chosen: Vec<Option<bool>>, work: &mut Work) -> Result<bool, OutOfWork> {
        work.spend(1 + chosen.len())?;
        loop {
            let (mut moved, mut open) = (false, None);
            for one in self.demands.iter().filter_map(|atom| if let Atom::One(one) = atom { Some(one) } else { None }) {
                work.spend(1 + one.len())?;
                let present = one.iter().filter(|step| chosen[**step] == Some(true)).count();
                let free: Vec<usize> = one.iter().copied().filter(|step| chosen[*step].is_none()).collect();
                match (present, &free[..]) {
                    (2.., _) | (0, []) => return Ok(false),
                    (1, []) => {}
                    (1, free) => {
                        for step in free {
                            chosen[*step] = Some(false);
                        }
                        moved = true;
                    }
                    (_, [only]) => {
                        chosen[*only] = Some(true);
                        moved = true;
                    }
                    _ => open = Some(free),
                }
            }
            if moved {
                continue;
            }
            let Some(free) = open else { return self.can_be_ordered(&chosen, work) };
            for step in free {
                let mut with = chosen.clone();
                with[step] = Some(true);
                if self.can_be_completed(with, work)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
    }

    /// Whether the chosen steps have an order that meets every demand. Undecided steps are left out, except one if the
    /// plan would be empty.
    fn can_be_ordered(&self, chosen: &[Option<bool>], work: &mut Work) -> Result<bool, OutOfWork> {
        let is_there = |step: usize| chosen[step] == Some(true);
        let present: Vec<usize> = (0..chosen.len()).filter(|step| is_there(*step)).collect();
        if present.is_empty() {
            return Ok(chosen.contains(&None));
        }
        let mut edges: Vec<(usize, usize)> = self.before.into_iter().collect();
        for atom in self.demands {
            match atom {
                Atom::Order(list) => {
                    work.spend(list.len())?;
                    let there: Vec<usize> = list.iter().copied().filter(|step| is_there(*step)).collect();
                    edges.extend(there.windows(2).map(|pair| (pair[0], pair[1])));
                }
                Atom::Last(last) => {
                    if !self.steps.spoken[*last] {
                        return Ok(false);
                    }
                    let others = present.iter().filter(|step| *step != last && self.steps.spoken[**step]);
                    edges.extend(others.map(|step| (*step, *last)));
                }
                _ => {}
            }
        }
        let mut before = vec![0usize; chosen.len()];
        let mut after = vec![Vec::new(); chosen.len()];
        for (first, second) in &edges {
            before[*second] += 1;
            after[*first].push(*second);
        }
        work.spend(edges.len() + chosen.len())?;
        let mut next: Vec<usize> = present.iter().copied().filter(|step| before[*step] == 0).collect();
        let mut ordered = 0;
        while let Some(step) = next.pop() {
            ordered += 1;
            for follower in &after[step] {
                before[*follower] -= 1;
                if before[*follower] == 0 {
                    next.push(*follower);
                }
            }
        }
        Ok(ordered == present.len())
    }
}
