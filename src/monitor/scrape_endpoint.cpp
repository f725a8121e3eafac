// SPDX-License-Identifier: Apache-2.0
#include "monitor/scrape_endpoint.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "monitor/page_server.hpp"

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

}  // namespace

std::string exposition(const std::vector<Family>& families, const std::string& run) {
  return prometheus::TextSerializer().Serialize(theirs(families, run));
}

Endpoint::Endpoint(const std::string& address, int port) {
  try {
    server_ = std::make_unique<PageServer>(address, port, "/metrics", "text/plain; version=0.0.4; charset=utf-8");
  } catch (const Error& problem) {
    const bool is_v6 = address.find(':') != std::string::npos;
    throw Error(Fault::unfit,
                cat("cannot listen at ", is_v6 ? "[" : "", address, is_v6 ? "]:" : ":", port,
                    " for Prometheus: ", problem.message()),
                "another program has the port, or it is no address of this node; metrics.prometheus_port: 0 takes any "
                "free port");
  }
}

Endpoint::~Endpoint() = default;

int Endpoint::port() const { return server_->port(); }

void Endpoint::publish(const std::vector<Family>& families, const std::string& run) {
  server_->publish(exposition(families, run));
}

}  // namespace pst::monitor
