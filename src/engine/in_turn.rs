//! Rows in the same order in every run, for queries whose answers become part of a log.
//!
//! Even with one thread a union has a stream for each of its branches, and the engine takes their rows as they
//! arrive. Here one stream is read to its end before the next begins.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};

/// Puts [`InTurn`] wherever streams would meet in the order of their arrival.
#[derive(Debug)]
pub(super) struct StreamsInTurn;

impl PhysicalOptimizerRule for StreamsInTurn {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = plan.transform_up(|node| {
            let any: &dyn Any = node.as_ref();
            if let Some(merge) = any.downcast_ref::<CoalescePartitionsExec>() {
                let fetch = ExecutionPlan::fetch(merge);
                return Ok(Transformed::yes(limited(InTurn::of(merge.input()), fetch)));
            }
            if let Some(merge) = any.downcast_ref::<SortPreservingMergeExec>() {
                let sort = SortExec::new(merge.expr().clone(), InTurn::of(merge.input()));
                return Ok(Transformed::yes(Arc::new(sort.with_fetch(merge.fetch()))));
            }
            Ok(Transformed::no(node))
        })?;
        Ok(InTurn::of(&plan.data))
    }

    fn name(&self) -> &'static str {
        "streams_in_turn"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn limited(plan: Arc<dyn ExecutionPlan>, fetch: Option<usize>) -> Arc<dyn ExecutionPlan> {
    match fetch {
        Some(_) => Arc::new(GlobalLimitExec::new(plan, 0, fetch)),
        None => plan,
    }
}

/// The streams of its input, one after the other.
#[derive(Debug)]
struct InTurn {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl InTurn {
    /// `input` as one stream.
    fn of(input: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        if input.output_partitioning().partition_count() == 1 {
            return Arc::clone(input);
        }
        let mut equivalences = input.equivalence_properties().clone();
        equivalences.clear_orderings();
        equivalences.clear_per_partition_constants();
        let properties = PlanProperties::new(
            equivalences,
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Arc::new(Self { input: Arc::clone(input), properties: Arc::new(properties) })
    }
}

impl DisplayAs for InTurn {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InTurn")
    }
}

impl ExecutionPlan for InTurn {
    fn name(&self) -> &'static str {
        "InTurn"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.as_slice() {
            [only] => Ok(Self::of(only)),
            _ => Err(DataFusionError::Internal("InTurn has one input".to_owned())),
        }
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = Arc::clone(&self.input);
        let count = input.output_partitioning().partition_count();
        let begun = move |partition| {
            let begun = input.execute(partition, Arc::clone(&context));
            async move { begun }
        };
        let rows = stream::iter(0..count).then(begun).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
