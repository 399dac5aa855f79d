// SecureStream: a connection to a receiver over https, and what to say to people when there is none.
//
// Threading: the thread of its io_context.
// Invariants: `shake_hands` says "" only when whoever answers has shown a certificate that is valid now, is for that
// host, and rests on somebody trusted. Before that nothing of ours is sent but the handshake.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "alerts/trust.h"

namespace lazaret::alerts {

using SecureStream = boost::asio::ssl::stream<boost::beast::tcp_stream&>;

/// "": it may be used; else why not. Takes as long as whoever answers likes, until the stream below is closed: a
/// deadline of that stream does not end it while there is always something to read. REQUIRES that `stream` was made
/// with the context of `trust`; both outlive this. `host`: a name, or an address as text.
boost::asio::awaitable<std::string> shake_hands(SecureStream& stream, const Trust& trust, std::string host);

/// Why a connection ended, secure or not, when it was the other side's doing.
std::string words_of(boost::system::error_code error);

}  // namespace lazaret::alerts
