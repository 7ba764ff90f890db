//! `rvq simulate --calibrate`: the world of a plan, fitted to targets.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use rvq::calibrate::{
    Calibration, CalibrationParams, Targets, Template, all_met, calibrate as fit, overlay,
    target_table,
};
use rvq::simulate::World;

use crate::options::{Console, PlanArgs};

/// What is fitted to what.
#[derive(Debug)]
pub(crate) struct Fit<'a> {
    /// Built-in targets or a file.
    pub(crate) targets: &'a str,
    /// Accounts of the coarse fit.
    pub(crate) accounts: u32,
    /// File for the fitted world.
    pub(crate) out: Option<&'a Path>,
}

pub(crate) fn calibrate(
    plan: &PlanArgs,
    wanted: &Fit<'_>,
    console: &Console,
) -> anyhow::Result<ExitCode> {
    let targets = Targets::load(wanted.targets)?;
    let run = plan.prepare(console)?;
    let dataset = &run.datasets()[0];
    let (Some(simulation), Some(params)) = (dataset.simulation(), &run.plan().world) else {
        bail!("the plan has no `[world]`: there is nothing to calibrate");
    };
    let mut accounts = vec![wanted.accounts];
    accounts.extend(Some(params.accounts).filter(|all| *all > wanted.accounts));
    if plan.dry_run {
        console.print_line(&format!(
            "would fit `{}` to {} targets of `{}` with {accounts:?} accounts over {} months",
            dataset.name,
            targets.as_slice().len(),
            wanted.targets,
            dataset.months
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let template = Template {
        flow: simulation.flow().clone(),
        streams: run.plan().run.streams(),
        calendar: dataset.calendar,
        first: dataset.first,
        months: dataset.months,
    };
    let params_of_fit = CalibrationParams { accounts, ..CalibrationParams::default() };
    let found = fit(&template, simulation.world(), &targets, &params_of_fit, &mut |stage| {
        console.say(&format!(
            "{} accounts, cohort {}: worst target {:.2} half-bands off",
            stage.accounts, stage.evaluations, stage.worst
        ));
    })?;
    if let Some(out) = wanted.out {
        let builtin = World::builtin_names().any(|name| name == params.world);
        let base = if builtin {
            params.world.clone()
        } else {
            plan.folder().join(&params.world).display().to_string()
        };
        std::fs::write(out, overlay(&base, &found)?)
            .with_context(|| format!("cannot write `{}`", out.display()))?;
    }
    console.print(&report(&found, &targets))?;
    Ok(if all_met(&targets, &found.moments) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn report(found: &Calibration, targets: &Targets) -> String {
    let mut text = target_table(targets, &found.moments);
    text.push('\n');
    for estimate in &found.estimates {
        let (table, key) = estimate.parameter.place();
        let error = estimate
            .std_error
            .map_or_else(|| "moves no target".to_owned(), |error| format!("± {error:.2e}"));
        let (before, value) = (estimate.before, estimate.value);
        writeln!(text, "{table}.{key} = {value}  (was {before}; standard error {error})")
            .expect("a string takes every word");
    }
    for stage in &found.stages {
        let end = if stage.converged { "converged" } else { "did not converge" };
        writeln!(
            text,
            "{end} at {} accounts after {} cohorts, worst target {:.2} half-bands off",
            stage.accounts, stage.evaluations, stage.worst
        )
        .expect("a string takes every word");
    }
    text
}
