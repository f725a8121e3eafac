// SPDX-License-Identifier: Apache-2.0
#include "monitor/scrape_endpoint.hpp"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <mutex>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::monitor {
namespace {

std::vector<prometheus::MetricFamily> theirs(const std::vector<Family>& families, const std::string& run) {
  std::vector<prometheus::MetricFamily> out;
  for (const auto& family : families) {
    prometheus::MetricFamily theirs;
    theirs.name = cat(telemetry::kMetricPrefix, family.metric->name);
    theirs.help = family.metric->help;
    const bool counts = family.metric->type == telemetry::MetricType::counter;
    theirs.type = counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    for (const auto& sample : family.samples) {
      prometheus::ClientMetric metric;
      metric.label.push_back({"run", run});
      for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
      (counts ? metric.counter.value : metric.gauge.value) = sample.value;
      theirs.metric.push_back(std::move(metric));
    }
    out.push_back(std::move(theirs));
  }
  return out;
}

class Published final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    const std::lock_guard lock(mutex_);
    return families_;
  }
  void publish(std::vector<prometheus::MetricFamily> families) {
    const std::lock_guard lock(mutex_);
    families_.swap(families);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace

std::string exposition(const std::vector<Family>& families, const std::string& run) {
  return prometheus::TextSerializer().Serialize(theirs(families, run));
}

struct Endpoint::Impl {
  explicit Impl(const std::string& where) : exposer(where, /*num_threads=*/2) {
    exposer.RegisterCollectable(published);
  }
  std::shared_ptr<Published> published = std::make_shared<Published>();
  prometheus::Exposer exposer;
};

Endpoint::Endpoint(const std::string& address, int port) {
  const bool is_v6 = address.find(':') != std::string::npos;
  const std::string where = cat(is_v6 ? "[" : "", address, is_v6 ? "]:" : ":", port);
  try {
    impl_ = std::make_unique<Impl>(where);
  } catch (const std::exception& problem) {
    throw Error(Fault::unfit, cat("cannot listen at ", where, " for Prometheus: ", problem.what()),
                "another program has the port, or it is no address of this node; metrics.prometheus_port: 0 takes any "
                "free port");
  }
}

Endpoint::~Endpoint() = default;

int Endpoint::port() const { return impl_->exposer.GetListeningPorts().front(); }

void Endpoint::publish(const std::vector<Family>& families, const std::string& run) {
  impl_->published->publish(theirs(families, run));
}

}  // namespace pst::monitor
