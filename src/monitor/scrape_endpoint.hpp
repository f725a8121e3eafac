// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "monitor/series.hpp"

namespace pst::monitor {

class PageServer;

/// Metrics as Prometheus has them, by prometheus-cpp, which also escapes whatever stands in a label.
std::string exposition(const std::vector<Family>& families, const std::string& run);

/// Answers GET /metrics with what was published last.
class Endpoint {
 public:
  /// @param address  an IP address of this host
  /// @param port     0: any free one
  /// @throws Error(unfit) when it cannot listen there
  Endpoint(const std::string& address, int port);
  ~Endpoint();
  int port() const;
  void publish(const std::vector<Family>& families, const std::string& run);

 private:
  std::unique_ptr<PageServer> server_;
};

}  // namespace pst::monitor
