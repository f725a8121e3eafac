// SPDX-License-Identifier: Apache-2.0
#include "plan/costs.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::plan {
namespace {

struct Row {
  Op op;
  const char* name;
  std::size_t axes;
  double flops, values;  // of one value of the elementwise ones: arithmetic, and memory traffic in values
  bool f32_only;
};

constexpr std::array kRows = {
    Row{Op::adapter_forward, "adapter_forward", 4, 0, 0, false},
    Row{Op::adapter_backward, "adapter_backward", 4, 0, 0, false},
    Row{Op::linear_forward, "linear_forward", 3, 0, 0, false},
    Row{Op::linear_backward, "linear_backward", 3, 0, 0, false},
    Row{Op::head_forward, "head_forward", 3, 0, 0, false},
    Row{Op::head_backward, "head_backward", 3, 0, 0, false},
    Row{Op::cross_entropy, "cross_entropy", 1, 8, 3, false},
    Row{Op::attention_forward, "attention_forward", 3, 0, 0, false},
    Row{Op::attention_backward, "attention_backward", 3, 0, 0, false},
    Row{Op::rms_norm_forward, "rms_norm_forward", 1, 5, 4, false},
    Row{Op::rms_norm_backward, "rms_norm_backward", 1, 8, 4, false},
    Row{Op::swiglu_forward, "swiglu_forward", 1, 6, 3, false},
    Row{Op::swiglu_backward, "swiglu_backward", 1, 12, 5, false},
    Row{Op::rope, "rope", 1, 3, 2, false},
    Row{Op::dropout, "dropout", 1, 4, 2, false},
    Row{Op::embed, "embed", 1, 0, 2, false},
    Row{Op::grad_add, "grad_add", 1, 1, 3, false},
    Row{Op::zero, "zero", 1, 0, 1, true},
    Row{Op::tree_add, "tree_add", 1, 1, 3, true},
    Row{Op::sum_squares, "sum_squares", 1, 2, 1, true},
    Row{Op::adamw, "adamw", 1, 12, recipe::AdamW::kValuesMoved, true},
    Row{Op::refresh, "refresh", 1, 0, 1.5, true},
    Row{Op::all_reduce, "all_reduce", 1, 0, 6, true},
};

const Row& row_of(Op op) { return kRows[static_cast<std::size_t>(op)]; }

/// Arithmetic and bytes of an operation: docs/plan.md.
struct Demand {
  double flops = 0, bytes = 0;
  int kernels = 1;
};
Demand demand_of(Op op, const double* s, double width) {
  switch (op) {
    case Op::adapter_forward:
      return {2 * s[0] * (s[1] * s[2] + s[3] * (s[1] + s[2])), width * (s[0] * (s[1] + 2 * s[2]) + s[1] * s[2]), 3};
    case Op::adapter_backward:
      return {2 * s[0] * (s[1] * s[2] + 2 * s[3] * (s[1] + s[2])), width * (s[0] * (3 * s[1] + 3 * s[2]) + s[1] * s[2]),
              5};
    case Op::linear_forward:
    case Op::linear_backward:
    case Op::head_forward:
    case Op::head_backward: return {2 * s[0] * s[1] * s[2], width * (s[0] * (s[1] + s[2]) + s[1] * s[2]), 1};
    case Op::attention_forward: return {2 * s[0] * s[0] * s[1] * s[2], width * s[0] * s[1] * (2 * s[2] + 2), 0};
    case Op::attention_backward: return {5 * s[0] * s[0] * s[1] * s[2], width * s[0] * s[1] * (4 * s[2] + 4), 0};
    default: return {row_of(op).flops * s[0], width * row_of(op).values * s[0], 1};
  }
}

}  // namespace

const char* name_of(Op op) { return row_of(op).name; }
std::size_t axes_of(Op op) { return row_of(op).axes; }
const char* name_of(Dtype dtype) { return dtype == Dtype::bf16 ? "bf16" : "f32"; }

std::vector<Op> all_ops() {
  std::vector<Op> ops;
  for (const Row& row : kRows) ops.push_back(row.op);
  return ops;
}

std::string table_name(Op op, Dtype dtype) {
  return row_of(op).f32_only ? name_of(op) : cat(name_of(op), ".", name_of(dtype));
}

Costs::Costs(const Machine& machine, int ranks, int threads, Dtype dtype)
    : machine_(machine), layout_(machine.layout(ranks, threads)), ranks_(ranks), threads_(threads), dtype_(dtype) {
  if (layout_ == nullptr && !machine.roofline)
    throw Error(Fault::usage, cat("machine ", quoted(machine.name), " has no measurements"),
                cat("run `peft-studio probe` on such a node, or name one of ", join(published_names(), ", ")));
  if (layout_ == nullptr) return;
  slower_ = static_cast<double>(layout_->threads) / threads_;
  for (const Row& row : kRows) {
    const auto table = layout_->tables.find(table_name(row.op, dtype));
    const bool there = table != layout_->tables.end();
    if (!there && row.op != Op::all_reduce)
      throw Error(Fault::data, cat("the measurements of ", quoted(machine.name), " lack ", table_name(row.op, dtype)),
                  "run `peft-studio probe` again");
    tables_.push_back(there ? &table->second : nullptr);
  }
}

double Costs::operator()(Op op, std::initializer_list<double> sizes) const {
  PST_ASSERT(sizes.size() == axes_of(op), "an operation is asked for with all its sizes");
  if (std::any_of(sizes.begin(), sizes.end(), [](double size) { return size <= 0; })) return 0;
  if (layout_ != nullptr) {
    const Table* const table = tables_[static_cast<std::size_t>(op)];
    // A task of attention runs on one thread, so that it takes no longer where there are fewer of them.
    const bool one_thread = op == Op::attention_forward || op == Op::attention_backward;
    return table == nullptr ? 0 : table->at(sizes) * (one_thread ? 1 : slower_);
  }
  const Roofline& roof = *machine_.roofline;
  const bool narrow = dtype_ == Dtype::bf16 && !row_of(op).f32_only;
  const Demand demand = demand_of(op, sizes.begin(), narrow ? 2 : 4);
  const double flops = (narrow ? roof.bf16_flops : roof.f32_flops) * roof.flops_share;
  return std::max(demand.flops / flops, demand.bytes / (roof.bytes_per_s * roof.bytes_share)) +
         demand.kernels * roof.launch_s;
}

double Costs::update(const recipe::Optimizer& optimizer, double values) const {
  const double ratio = static_cast<double>(recipe::values_moved(optimizer)) / recipe::AdamW::kValuesMoved;
  return ratio * (*this)(Op::adamw, {values});
}

double Costs::fp8_flops_s(double flops) const {
  if (layout_ != nullptr || machine_.roofline->fp8_flops == 0 || dtype_ != Dtype::bf16) return 0;
  const Roofline& roof = *machine_.roofline;
  return flops / (roof.fp8_flops * roof.fp8_flops_share) - flops / (roof.bf16_flops * roof.flops_share);
}

double Costs::bytes_s(double bytes) const {
  return layout_ != nullptr ? 0 : bytes / (machine_.roofline->bytes_per_s * machine_.roofline->bytes_share);
}

std::string Costs::source() const {
  if (layout_ == nullptr)
    return cat(machine_.source, "; ", machine_.roofline->shares_source, " to attain ",
               fixed(100 * machine_.roofline->flops_share, 0), " % of peak FLOP/s and ",
               fixed(100 * machine_.roofline->bytes_share, 0), " % of bandwidth");
  std::string text = machine_.source;
  if (layout_->threads != threads_ || layout_->ranks != ranks_)
    text += cat("; measured with ", layout_->ranks, " x ", layout_->threads, " threads, scaled to ", ranks_, " x ",
                threads_, " (not measured: `peft-studio probe --ranks ", ranks_, " --threads ", threads_, "`)");
  return text;
}

}  // namespace pst::plan
