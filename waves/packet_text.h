/// Bus values as text for a waveform viewer.
#pragma once

#include <string>
#include <string_view>

namespace xybus {

/// A packet's header, as 16 hexadecimal digits: "2>5 #17 control, 64 bytes, message" says that CPU
/// 2 sends to CPU 5; the last write of a transfer says so behind its kind. A blank for zero, and
/// for what is no number, such as x.
std::string packet_text(std::string_view hex);

/// What a bus probe shows in an answer slot: the number of its enumeration, one digit. Good answers
/// are plain, the others coloured the way GTKWave understands it. A blank outside of a slot.
std::string answer_text(std::string_view hex);

}  // namespace xybus
