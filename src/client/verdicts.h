// Between what handlers return and the verdicts of the wire.
#pragma once

#include <cstddef>
#include <vector>

#include "base/status.h"
#include "client/held_deliveries.h"
#include "lazaret/consumer.h"
#include "wire/frames.h"

namespace lazaret::detail {

/// Without what goes with an ack.
VerdictRef wire_verdict(const Verdict& verdict);
/// What an ack was for the handler: done, an answer or a decline.
Verdict::Kind kind_of(const wire::Verdict& ack);
/// What an answer or a decline tells the requester; `request` is what it is the reply to, where that is at hand. Why
/// not, for any other verdict, for texts that are none, and for what is larger than a broker with these limits takes.
base::Result<wire::ResponderReply> reply_of(const Verdict& verdict, const Message* request,
                                            const wire::Welcome& limits);
/// What is published, and asked, in the same write as something else, encoded; null for nothing. Why not, for texts
/// that are none, and for a request with a delay or a time to live.
base::Result<wire::AddressedItems> addressed_items(std::vector<Addressed> messages, std::vector<DurableAsk> asks,
                                                   std::size_t compress_from);
/// What makes its message a durable request. Fills in what that says of it (make_durable). Why not, as above.
base::Result<wire::AskTermsRef> ask_terms(DurableAsk& ask);
/// The same of what a verdict on the message `cause` publishes and asks. What was to be so long from then on, and was
/// less than nothing when the handler said it, is no mistake of the handler: it is at once, or over at once.
base::Result<wire::AddressedItems> outgoing_items(const Verdict& verdict, std::size_t compress_from,
                                                  const Message& cause);
/// Whether there is anything of that.
bool has_outgoing(const Verdict& verdict);
/// Bytes, before anything is compressed.
std::size_t largest_body(const std::vector<Addressed>& messages);
VerdictRef plain_verdict(model::VerdictKind kind);
/// What it takes of a frame, at most.
std::size_t header_bytes(const VerdictRef& verdict);

}  // namespace lazaret::detail
