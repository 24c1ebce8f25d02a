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
  /// A set of nodes. A fabric of fewer leaves the upper bits 0.
  typedef logic [MaxNodes-1:0] nodes_t;

  // ---- The bus ------------------------------------------------------------------------------
  // A beat is DataWidth bits, 32 or 64. A packet is its header (64 bits); in a write or read packet
  // one beat with the window word; the payload; one beat with the CRC. What a beat has beyond
  // the window word, the last payload word or the CRC is zero.

  /// Beats of the longest packet.
  function automatic int unsigned max_beats(input int unsigned data_width);
    return 64 / data_width + 1 + MaxPayloadBytes * 8 / data_width + 1;
  endfunction

  /// What goes with the data on a bus, from its controller to every node.
  typedef struct packed {
    logic valid;
    logic first;
    logic last;
  } strobes_t;

  /// Answers of all nodes. A node drives its own bit of at most one set.
  typedef struct packed {
    nodes_t refused;
    nodes_t corrupt;
    nodes_t busy;
    nodes_t accepted;
  } answers_t;

  /// What a guardian has caught, for one cycle.
  typedef struct packed {
    logic       valid;
    offence_e   offence;
    logic [3:0] offender;
  } offence_t;

  // ---- Sending ------------------------------------------------------------------------------

  /// Who posted a packet, and so who is told its fate.
  typedef enum logic [1:0] {
    OriginRing,   // the CPU: an event
    OriginWrite,  // the bulk sender: part of a transfer
    OriginServe   // the read server: part of a remote read
  } origin_e;

  /// A packet that asks to be sent.
  typedef struct packed {
    origin_e       origin;
    route_e        route;
    logic          traffic_class;
    packet_kind_e  kind;
    logic          notify;
    nodes_t        destinations;
    logic [8:0]    length;   // bytes of payload
    line_address_t address;  // of the payload in node RAM; unused in a read packet
    window_word_t  window;   // write and read packets
    read_request_t request;  // the payload of a read packet
    logic [31:0]   cookie;
  } offer_t;

  /// A packet on its way through a transmit lane: with its number, and what has become of it.
  typedef struct packed {
    offer_t      offer;
    logic [15:0] sequence_number;
    nodes_t      left;    // destinations whose answer is still wanted
    nodes_t      unsure;  // destinations of an attempt that was not answered
    nodes_t      missed;  // destinations given up
    send_status_e status; // worst fate of those given up
    logic [15:0] busy;    // attempts that somebody answered busy
    logic [2:0]  moves;   // changes of bus; after one it asks with the control packets
  } job_t;

  /// The header that an offer gets.
  /* verilator lint_off UNUSEDSIGNAL */  // most of the offer is not in it
  function automatic packet_header_t header_of(input offer_t offer, input nodes_t destinations,
                                               input logic [3:0] source, input logic [3:0] epoch,
                                               input logic [15:0] sequence_number);
    header_of                 = '0;
    header_of.dst_mask        = destinations;
    header_of.source          = source;
    header_of.kind            = offer.kind;
    header_of.traffic_class   = offer.traffic_class;
    header_of.notify          = offer.notify;
    header_of.length          = 12'(offer.length);
    header_of.sequence_number = sequence_number;
    header_of.epoch           = epoch;
  endfunction
  /* verilator lint_on UNUSEDSIGNAL */

  /// Cycles of a pause after busy answers, up to 1024.
  typedef logic [10:0] pause_t;

  /// The fate of a packet of the bulk sender or the read server, for one cycle.
  typedef struct packed {
    logic           valid;
    origin_e        origin;
    send_status_e   status;
    logic           bus;
    packet_header_t header;
  } fate_t;

  // ---- Windows ------------------------------------------------------------------------------

  typedef struct packed {
    logic [7:0]    generation;
    logic [3:0]    peer;
    logic          write;
    logic          read;
    logic [19:0]   length;  // bytes
    line_address_t base;
  } window_t;

  /// The CPU posts or closes a window, for one cycle.
  typedef struct packed {
    logic       valid;
    logic [7:0] index;
    window_t    window;
  } window_post_t;

  /// A question to the window table: may this peer access so many bytes at this place?
  typedef struct packed {
    logic         own;     // the CPU of this node asks for itself: any generation
    logic         write;   // else read
    logic [3:0]   peer;
    logic [19:0]  length;  // bytes
    window_word_t place;
  } lookup_t;

  /// The reply, in the cycle after the question was taken.
  typedef struct packed {
    logic          allowed;
    logic [7:0]    generation;
    line_address_t address;  // of that place in node RAM
  } lookup_reply_t;

  // ---- Receiving ----------------------------------------------------------------------------

  /// A packet that was accepted: its lines wait in its lane's buffer.
  typedef struct packed {
    logic          bus;
    line_address_t address;    // of the first line in node RAM
    logic [4:0]    lines;      // 0 to 16
    logic [3:0]    tail;       // bytes of the last line that count; 0 for all 16
    logic          has_event;
    event_entry_t  entry;      // the event that follows it
  } delivery_t;

  /// A remote read that was accepted.
  typedef struct packed {
    logic          bus;
    logic [3:0]    source;
    window_word_t  window;
    read_request_t request;
  } read_take_t;

  // ---- Settings and counters ----------------------------------------------------------------

  /// Switches of a message engine, from the register control.
  typedef struct packed {
    logic       enable;
    logic       interrupt_enable;
    logic [3:0] epoch;
  } switches_t;

  /// When to give up.
  typedef struct packed {
    logic [15:0] busy;         // busy answers, at least 1
    logic [8:0]  grant_ticks;  // ticks without a grant
  } limits_t;

  /// One-cycle pulses of a bus's counters, the last in the order of their registers first.
  typedef struct packed {
    logic broken_off;
    logic violation;
    logic malformed;
    logic refused;
    logic crc_error;
    logic duplicate;
    logic served;
    logic stored;
    logic received;
    logic moved;
    logic denied;
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

  /// Lines of so many bytes.
  function automatic logic [4:0] lines_of(input logic [8:0] bytes);
    return 5'((bytes + 9'd15) >> 4);
  endfunction

endpackage
