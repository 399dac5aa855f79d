// The one list of errors: binary protocol, HTTP problem documents, CLI exit statuses and SDK error codes
// are all generated from it. Add at the end of a block; a number, once released, is never given anew.
//
// LAZARET_ERROR(NAME, number, fault, retry, http, exit, closes, sentence)
//   number   on the wire, in `lazaret.wire.v1.Problem.number`; the name is what people and programs compare
//   fault    whose it is: caller, broker or peer (the service at the other end of a request)
//   retry    what to do: never (the same call fails again), same_call (repeat it as it is, at once),
//            after (repeat it after `retry_after`), op (only an operator can mend it)
//   http     status of the HTTP answer
//   exit     exit status of the command line tool (sysexits.h)
//   closes   whether the broker closes the connection after it
#pragma once

// clang-format off
#define LAZARET_ERROR_TABLE(LAZARET_ERROR)                                                                             \
  /* What the caller asked for is wrong. */                                                                            \
  LAZARET_ERROR(BAD_REQUEST,          1, caller, never,     400, 65, false, "the request is malformed")                \
  LAZARET_ERROR(INVALID_NAME,         2, caller, never,     400, 65, false, "a name has 1 to 200 characters of A-Z a-z 0-9 . _ - and does not begin with lazaret.") \
  LAZARET_ERROR(INVALID_OPTION,       3, caller, never,     400, 65, false, "an option is unknown or its value is not allowed") \
  LAZARET_ERROR(MESSAGE_TOO_LARGE,    4, caller, never,     413, 65, false, "the body of the message is larger than the broker takes") \
  LAZARET_ERROR(HEADERS_TOO_LARGE,    5, caller, never,     413, 65, false, "the envelope of the message is larger than the broker takes") \
  LAZARET_ERROR(BATCH_TOO_LARGE,      6, caller, never,     413, 65, false, "the request names more items than the broker takes at once") \
  LAZARET_ERROR(CHECKSUM_MISMATCH,    7, caller, same_call, 400, 65, false, "the body does not match its checksum") \
  LAZARET_ERROR(NOT_FOUND,            8, caller, never,     404, 66, false, "there is nothing of that name")           \
  LAZARET_ERROR(OPTIONS_MISMATCH,     9, caller, never,     409, 73, false, "it exists with other options")            \
  LAZARET_ERROR(NOT_EMPTY,           10, caller, never,     409, 73, false, "it still holds messages")                 \
  LAZARET_ERROR(IN_USE,              11, caller, never,     409, 73, false, "it still has consumers")                  \
  LAZARET_ERROR(LEASE_LOST,          12, caller, never,     409, 73, false, "the lease on this message has ended")     \
  LAZARET_ERROR(SEQUENCE_REUSED,     13, caller, never,     409, 73, false, "this producer used the sequence for another body") \
  LAZARET_ERROR(SEQUENCE_TOO_OLD,    14, caller, never,     409, 73, false, "the sequence is below the deduplication window") \
  LAZARET_ERROR(CASE_BUSY,           15, caller, never,     409, 73, false, "the case is not in a state that allows this") \
  LAZARET_ERROR(DESTINATION_NEEDED,  16, caller, never,     409, 73, false, "the subscription of this case is gone: name where it should go") \
  LAZARET_ERROR(LIMIT_REACHED,       17, caller, never,     429, 75, false, "a limit per connection is reached")       \
  LAZARET_ERROR(METHOD_NOT_ALLOWED,  18, caller, never,     405, 64, false, "this resource does not know that method") \
  LAZARET_ERROR(UNSUPPORTED_MEDIA_TYPE, 19, caller, never,  415, 65, false, "a changing request needs Content-Type: application/json") \
  LAZARET_ERROR(FORBIDDEN_ORIGIN,    20, caller, never,     403, 77, false, "the Host or Origin of the request is not one of this broker's") \
  LAZARET_ERROR(ALREADY_EXISTS,      21, caller, never,     409, 73, false, "the name is taken")                       \
  LAZARET_ERROR(ALREADY_ANSWERED,    22, caller, never,     409, 73, false, "the request was answered meanwhile")       \
  LAZARET_ERROR(STALE_VERSION,       23, caller, never,     412, 73, false, "it has been changed since the version that was named") \
  LAZARET_ERROR(VERSION_NEEDED,      24, caller, never,     428, 64, false, "name the version that is to be changed, in If-Match") \
  LAZARET_ERROR(INVALID_BODY,        25, caller, never,     422, 65, false, "the body of the message would not be what its content type says") \
  LAZARET_ERROR(MESSAGE_GONE,        26, caller, never,     410, 66, false, "the message of this case is not kept any more") \
  LAZARET_ERROR(NO_CONSUMER,         27, caller, after,     409, 75, false, "no consumer is connected that it may go to") \
  LAZARET_ERROR(MASKED,              28, caller, never,     403, 77, false, "the body cannot be masked, so it is not shown") \
  /* The bytes on the connection are not the protocol. */                                                              \
  LAZARET_ERROR(BAD_MAGIC,           40, caller, never,     400, 76, true,  "the connection did not begin with the protocol's magic") \
  LAZARET_ERROR(UNSUPPORTED_VERSION, 41, caller, never,     400, 76, true,  "no protocol version is common to both sides") \
  LAZARET_ERROR(BAD_FRAME,           42, caller, never,     400, 76, true,  "a frame could not be decoded")            \
  LAZARET_ERROR(FRAME_TOO_LARGE,     43, caller, never,     413, 76, true,  "a frame is larger than agreed")           \
  LAZARET_ERROR(UNKNOWN_FRAME,       44, caller, never,     400, 76, false, "the type of the frame is not known here") \
  LAZARET_ERROR(UNEXPECTED_FRAME,    45, caller, never,     400, 76, true,  "the frame is not allowed in this state of the connection") \
  LAZARET_ERROR(HANDSHAKE_TIMEOUT,   46, caller, same_call, 408, 76, true,  "the handshake was not complete in time")  \
  LAZARET_ERROR(PEER_SILENT,         47, peer,   same_call, 408, 69, true,  "nothing was heard for two heartbeats")    \
  /* The broker cannot, or not now. */                                                                                 \
  LAZARET_ERROR(RESOURCE_EXHAUSTED,  60, broker, after,     503, 75, false, "a limit of the broker is reached")        \
  LAZARET_ERROR(SHUTTING_DOWN,       61, broker, after,     503, 75, false, "the broker is stopping")                  \
  LAZARET_ERROR(NOT_LEADER,          62, broker, same_call, 503, 75, false, "another node leads this shard")           \
  LAZARET_ERROR(STORAGE_DAMAGED,     63, broker, op,        500,  1, false, "the data directory is damaged")           \
  LAZARET_ERROR(MESSAGE_DAMAGED,     64, broker, op,        500,  1, false, "the stored message does not match its checksum") \
  LAZARET_ERROR(STORAGE_FAILED,      65, broker, op,        500,  1, true,  "a write or sync failed")                  \
  LAZARET_ERROR(FORMAT_TOO_NEW,      66, broker, op,        500, 78, false, "the data directory was written by a newer version") \
  LAZARET_ERROR(DIRECTORY_LOCKED,    67, broker, op,        500, 75, false, "another process uses the data directory") \
  LAZARET_ERROR(BAD_CONFIGURATION,   68, caller, never,     400, 78, false, "the configuration is not valid")          \
  LAZARET_ERROR(INTERNAL,            69, broker, op,        500,  1, false, "a mistake in the broker")                 \
  /* What only a client can know. */                                                                                   \
  LAZARET_ERROR(UNREACHABLE,         80, broker, after,     503, 69, false, "the broker cannot be reached")            \
  LAZARET_ERROR(DEADLINE_EXCEEDED,   81, broker, same_call, 504, 75, false, "the deadline passed first")               \
  LAZARET_ERROR(OUTCOME_UNKNOWN,     82, broker, same_call, 504, 75, false, "the connection was lost before the answer came") \
  LAZARET_ERROR(WOULD_DEADLOCK,      83, caller, never,     400, 64, false, "a blocking call on the client's own thread") \
  LAZARET_ERROR(CLOSED,              84, caller, never,     400, 69, false, "the client or consumer was closed")       \
  LAZARET_ERROR(CANCELLED,           85, caller, never,     400, 75, false, "the call was cancelled")                  \
  LAZARET_ERROR(USAGE,               86, caller, never,     400, 64, false, "the command line is not understood")
// clang-format on
