// Dispatcher: decides whether a request is served, finds its handler, and turns whatever goes wrong into a problem
// document. No exception leaves it. What the route says is audited is noted in the audit trail before and after, here
// and nowhere else; a look that is repeated is noted once in a while (recent_looks.h).
//
// Threading: `refuse` on the I/O thread, `handle` on any worker.
#pragma once

#include <optional>

#include "admin/broker.h"
#include "admin/origin_check.h"
#include "admin/recent_looks.h"
#include "admin/routes.h"

namespace lazaret::admin {

class Dispatcher {
 public:
  /// Until `expect` is called, loopback names are this broker's.
  explicit Dispatcher(Broker& broker) : broker_(broker), origins_("localhost", {}) {}
  /// Under which names this broker is known. Before the first request.
  void expect(OriginCheck origins) { origins_ = std::move(origins); }

  /// What can be said before the body is read: nullopt when the request may go on. Fills in what `handle` needs.
  std::optional<Response> refuse(Request& request) const noexcept;
  /// REQUIRES that `refuse` let it pass, and that its route is no stream.
  Response handle(const Request& request) const noexcept;
  /// What a request is answered with for which a reply was awaited. On a worker, as `handle`.
  Response answer_with(const AwaitedReply& awaited) const noexcept;

 private:
  Response serve(const Request& request) const;
  base::Status check(Request& request, std::string& allow) const;
  Audited audited_as(const Request& request) const;
  std::optional<model::AuditCall> look_of(const Request& request, const model::AuditCall& call) const;

  Broker& broker_;
  OriginCheck origins_;
  mutable RecentLooks looks_;
};

}  // namespace lazaret::admin
