//! Which plans some duties allow: whether one exists that has these steps, lacks those, and says one step before
//! another. A plan is a sequence of different steps, at least one. Exact within a budget of work.

/// The work ran out before there was an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent;

/// What is left of the work; one unit is a step or a condition looked at.
#[derive(Debug)]
pub(super) struct Work(usize);

impl Work {
    pub(super) fn new(units: usize) -> Self {
        Self(units)
    }

    pub(super) fn spend(&mut self, units: usize) -> Result<(), Spent> {
        let left = self.0.checked_sub(units);
        self.0 = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Spent)
    }
}

/// One demand on a plan, its steps by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Atom {
    /// This step is in the plan.
    Present(usize),
    /// This step is not.
    Absent(usize),
    /// One of these and no other is; in numeric order.
    One(Vec<usize>),
    /// Those of these that are in the plan come in this order.
    Order(Vec<usize>),
    /// This is the last spoken step.
    Last(usize),
    /// One of these said stands for the others: no matter of plans but of the call. In numeric order.
    Alternatives(Vec<usize>),
}

/// The steps a plan may be made of.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// Which steps there are; a plan has no others.
    pub known: Vec<bool>,
    /// Which of them are spoken.
    pub spoken: Vec<bool>,
}

/// A plan that is looked for, under the demands it must meet.
pub(super) struct Wanted<'a> {
    pub steps: &'a Steps,
    pub demands: &'a [&'a Atom],
    pub with: &'a [usize],
    pub without: &'a [usize],
    /// The first of these comes before the second.
    pub before: Option<(usize, usize)>,
}

impl Wanted<'_> {
    /// Whether there is such a plan.
    pub(super) fn exists(&self, work: &mut Work) -> Result<bool, Spent> {
        let mut taken: Vec<Option<bool>> = self.steps.known.iter().map(|known| (!known).then_some(false)).collect();
        let required = self.demands.iter().filter_map(|atom| match atom {
            Atom::Present(step) | Atom::Last(step) => Some((*step, true)),
            Atom::Absent(step) => Some((*step, false)),
            _ => None,
        });
        let asked = self.with.iter().map(|step| (*step, true)).chain(self.without.iter().map(|step| (*step, false)));
        for (step, is_there) in required.chain(asked) {
            if taken[step].replace(is_there).is_some_and(|other| other != is_there) {
                return Ok(false);
            }
        }
        self.completes(taken, work)
    }

    /// Whether what is taken and left out so far can be completed.
    fn completes(&self, mut taken: Vec<Option<bool>>, work: &mut Work) -> Result<bool, Spent> {
        work.spend(1 + taken.len())?;
        loop {
            let (mut moved, mut open) = (false, None);
            for one in self.demands.iter().filter_map(|atom| if let Atom::One(one) = atom { Some(one) } else { None }) {
                work.spend(1 + one.len())?;
                let present = one.iter().filter(|step| taken[**step] == Some(true)).count();
                let free: Vec<usize> = one.iter().copied().filter(|step| taken[*step].is_none()).collect();
                match (present, &free[..]) {
                    (2.., _) | (0, []) => return Ok(false),
                    (1, []) => {}
                    (1, free) => {
                        for step in free {
                            taken[*step] = Some(false);
                        }
                        moved = true;
                    }
                    (_, [only]) => {
                        taken[*only] = Some(true);
                        moved = true;
                    }
                    _ => open = Some(free),
                }
            }
            if moved {
                continue;
            }
            let Some(free) = open else { return self.can_be_ordered(&taken, work) };
            for step in free {
                let mut with = taken.clone();
                with[step] = Some(true);
                if self.completes(with, work)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
    }

    /// Whether the steps taken can stand in an order that meets every demand. Steps that nothing asks for are left out,
    /// but for one where there would be none.
    fn can_be_ordered(&self, taken: &[Option<bool>], work: &mut Work) -> Result<bool, Spent> {
        let is_there = |step: usize| taken[step] == Some(true);
        let present: Vec<usize> = (0..taken.len()).filter(|step| is_there(*step)).collect();
        if present.is_empty() {
            return Ok(taken.contains(&None));
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
        let mut before = vec![0usize; taken.len()];
        let mut after = vec![Vec::new(); taken.len()];
        for (first, second) in &edges {
            before[*second] += 1;
            after[*first].push(*second);
        }
        work.spend(edges.len() + taken.len())?;
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
