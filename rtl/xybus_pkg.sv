// Types shared by the modules of one node and the buses. What software sees is in
// xybus_contract_pkg, generated from contract/contract.toml.

package xybus_pkg;
  import xybus_contract_pkg::*;

  typedef logic [31:0] word_t;
  /// A line of node RAM: four words, the first in the low bits.
  typedef logic [127:0] line_t;
  /// RAM is addressed by line. A node has at most 1 MiB.
  typedef logic [15:0] line_address_t;
  /// Free-running index of a ring; the entry is the index modulo the ring's size.
  typedef logic [15:0] index_t;

  localparam int unsigned MaxPayloadWords = MaxPayloadBytes / WordBytes;
  localparam int unsigned MaxPacketWords = HeaderWords + MaxPayloadWords + CrcWords;
  localparam int unsigned PacketWordsWidth = $clog2(MaxPacketWords + 1);
  typedef logic [PacketWordsWidth-1:0] packet_words_t;

  /// The wires of a bus, from its controller to every node.
  typedef struct packed {
    logic  valid;
    logic  first;
    logic  last;
    word_t data;
  } bus_wires_t;

  /// Answers of all nodes, two bits each.
  typedef logic [2*MaxNodes-1:0] answers_t;

  /// A packet on its way through a transmit lane.
  typedef struct packed {
    logic [31:0]    cookie;
    line_address_t  address;
    logic [3:0]     destination;
    packet_header_t header;
  } job_t;

  /// When to give up, from the registers retry_limits (0 means never) and grant_timeout.
  typedef struct packed {
    logic [15:0] grant;
    logic [7:0]  corrupt;
    logic [7:0]  no_answer;
    logic [15:0] busy;
  } limits_t;

  /// One-cycle pulses of a bus's counters, in the order of their registers.
  typedef struct packed {
    logic malformed;
    logic refused;
    logic crc_error;
    logic duplicate;
    logic received;
    logic no_answer;
    logic corrupt;
    logic busy;
    logic accepted;
    logic sent;
  } counts_t;

  /// What the CPU has set up, for one bus or one traffic class.
  typedef struct packed {
    line_address_t base;
    index_t        mask;   // size - 1
    index_t        index;  // the CPU's count: tail of a send ring, head of receive slots or events
  } ring_t;

  /// Switches of a message engine, from the register control.
  typedef struct packed {
    logic        enable;
    logic        interrupt_enable;
    logic [3:0]  epoch;
  } switches_t;

  /// Words of a payload of so many bytes.
  function automatic logic [6:0] payload_words(input logic [8:0] length);
    return 7'((length + 9'd3) >> 2);
  endfunction

endpackage
