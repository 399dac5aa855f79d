// CRC-32C (Castagnoli), the checksum of iSCSI (RFC 3720, appendix B.4), RocksDB and this protocol.
#pragma once

#include <cstdint>
#include <string_view>

namespace lazaret::base {

/// The checksum of `bytes`, continuing from `seed`, the checksum of what came before (0 at the beginning).
/// Uses the processor's CRC32 instruction where there is one.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

/// The table-driven version, for processors without the instruction and for the test that compares both.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace lazaret::base
