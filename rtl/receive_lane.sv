// Receive lane: takes the packets for this node from one bus, and answers them.
//
//     wires ─► capture ─┬─► packet_check ───► verdict ─► answer
//                       │         │              │
//                       │   window_access ───────┤◄──► window table, duplicate filter
//                       │                        ▼
//                       └─► receive_buffer ─► delivery ─► node RAM, event ring
//
// The wires belong to the free-running clock: they are only captured here, and only beats of
// packets for this node, so that a lane sleeps through all others, and ignores a packet that it
// wakes up in. The verdict falls in the cycle after that of the last beat on the wires:
//
//   corrupt   wrong CRC; or good but malformed
//   accepted  a message, write or read packet that is taken; or a duplicate, which is dropped
//   refused   a write or read packet that the window does not allow; the CPU gets an event
//   busy      for one of these there is no slot, buffer, event entry or queue place
//
// A packet that breaks off, or a new first beat, returns the lane to the start without an answer.

`include "assertions.svh"

module receive_lane
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// The bus of this lane, for its events.
  parameter bus_id_e     Bus       = BusIdX,
  /// Bits of a beat: 32 or 64.
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  /// Low also while the engine is disabled.
  input  logic                 rst_ni,
  /// This node's number.
  input  logic [3:0]           node_i,
  /// The bus, of the free-running clock.
  input  strobes_t             strobes_i,
  input  logic                 deaf_i,
  input  logic [DataWidth-1:0] data_i,
  /// The answer, for one cycle, two after that of the last beat; at most one is high.
  output logic                 answer_accepted_o,
  output logic                 answer_busy_o,
  output logic                 answer_corrupt_o,
  output logic                 answer_refused_o,
  /// Receive slots: base, mask, given back by the CPU; and filled.
  input  ring_t                slots_i,
  output index_t               slot_tail_o,
  /// Duplicates: the header of the packet at hand, whether it is one, and that it was accepted.
  output packet_header_t       header_o,
  input  logic                 duplicate_i,
  output logic                 accept_o,
  /// The window table, and what the CPU posts to it.
  output logic                 lookup_valid_o,
  output lookup_t              lookup_o,
  input  logic                 lookup_ready_i,
  input  lookup_reply_t        lookup_reply_i,
  input  window_post_t         post_i,
  /// To delivery, which is ready before it is asked; and the lines it takes.
  output logic                 delivery_valid_o,
  output delivery_t            delivery_o,
  input  logic                 delivery_ready_i,
  output line_t                line_o,
  input  logic                 line_take_i,
  /// To the read server, which is ready before it is asked.
  output logic                 read_valid_o,
  output read_take_t           read_o,
  input  logic                 read_ready_i,
  /// Entries of the event ring: there is room, and one is claimed.
  input  logic                 room_i,
  output logic                 claim_o,
  /// One-cycle counter pulses.
  output counts_t              counts_o,
  output logic                 busy_o,
  output logic                 idle_o
);

  // ---- The wires ----------------------------------------------------------------------------

  strobes_t             rx;
  logic [DataWidth-1:0] rx_data;
  logic                 broken_off, capture_busy;

  receive_capture #(
    .DataWidth(DataWidth)
  ) u_capture (
    .clk_i,
    .rst_ni,
    .node_i,
    .strobes_i,
    .deaf_i,
    .data_i,
    .strobes_o   (rx),
    .data_o      (rx_data),
    .broken_off_o(broken_off),
    .busy_o      (capture_busy)
  );

  // ---- The packet ---------------------------------------------------------------------------

  packet_header_t header;
  window_word_t   window;
  read_request_t  request;
  logic           starts, ends, good, well_formed, window_valid, payload_valid;
  logic [6:0]     index;

  assign starts = rx.valid && rx.first;

  packet_check #(
    .DataWidth(DataWidth)
  ) u_check (
    .clk_i,
    .rst_ni,
    .strobes_i      (rx),
    .data_i         (rx_data),
    .header_o       (header),
    .window_valid_o (window_valid),
    .window_o       (window),
    .payload_valid_o(payload_valid),
    .index_o        (index),
    .request_o      (request),
    .ends_o         (ends),
    .good_o         (good),
    .well_formed_o  (well_formed)
  );

  logic is_message, is_read, is_write;
  assign is_message = header.kind == PacketKindMessage;
  assign is_write   = header.kind == PacketKindWrite;
  assign is_read    = header.kind == PacketKindRead;

  // A write asks with its window word, a read when the length it wants is there.
  logic          access_allowed, access_busy;
  line_address_t access_address;

  window_access u_access (
    .clk_i,
    .rst_ni,
    .start_i   (starts),
    .ask_i     ((window_valid && is_write) || (payload_valid && is_read && (index == '0))),
    .question_i('{
      own:    1'b0,
      write:  is_write,
      peer:   header.source,
      length: is_write ? 20'(header.length) : request.length,
      place:  window
    }),
    .lookup_valid_o,
    .lookup_o,
    .lookup_ready_i,
    .reply_i   (lookup_reply_i),
    .post_i,
    .allowed_o (access_allowed),
    .address_o (access_address),
    .busy_o    (access_busy)
  );

  logic fits, keep;

  receive_buffer #(
    .DataWidth(DataWidth)
  ) u_buffer (
    .clk_i,
    .rst_ni,
    .start_i        (starts),
    .payload_valid_i(payload_valid && (is_message || is_write)),
    .part_i         (index[$clog2(128/DataWidth)-1:0]),
    .data_i         (rx_data),
    .ends_i         (ends && (is_message || is_write)),
    .fits_o         (fits),
    .keep_i         (keep),
    .line_o,
    .take_i         (line_take_i)
  );

  // ---- The verdict --------------------------------------------------------------------------

  index_t tail_q;
  logic   slot_free, received, stored, served, violation;

  assign slot_free = index_t'(tail_q - slots_i.index) <= slots_i.mask;

  logic [3:0] answer, answer_q;  // accepted, busy, corrupt, refused, the last lowest

  receive_verdict u_verdict (
    .ends_i          (ends),
    .good_i          (good),
    .well_formed_i   (well_formed),
    .duplicate_i,
    .kind_i          (header.kind),
    .notify_i        (header.notify[0]),
    .allowed_i       (access_allowed),
    .slot_free_i     (slot_free),
    .fits_i          (fits),
    .delivery_ready_i,
    .read_ready_i,
    .room_i,
    .broken_off_i    (broken_off),
    .received_o      (received),
    .stored_o        (stored),
    .served_o        (served),
    .violation_o     (violation),
    .accepted_o      (answer[3]),
    .busy_o          (answer[2]),
    .corrupt_o       (answer[1]),
    .refused_o       (answer[0]),
    .counts_o
  );

  assign keep = received || stored;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      answer_q <= '0;
      tail_q   <= '0;
    end else begin
      answer_q <= answer;
      if (received) tail_q <= tail_q + 16'd1;
    end
  end

  // ---- What becomes of it -------------------------------------------------------------------

  assign delivery_valid_o = keep || violation;

  always_comb begin
    delivery_o = '0;
    if (delivery_valid_o) begin
      delivery_o.bus       = Bus;
      delivery_o.has_event = 1'b1;
      delivery_o.entry.bus = Bus;
      {delivery_o.entry.header_1, delivery_o.entry.header_0} = header;
      if (keep) delivery_o.lines = lines_of(header.length[8:0]);
      if (received) begin  // a slot has room for whole lines
        delivery_o.address = slots_i.base + line_address_t'({tail_q & slots_i.mask, 4'd0});
        delivery_o.entry.event_type = EventTypeReceived;
        delivery_o.entry.cookie     = 32'(tail_q);
      end else if (stored) begin
        delivery_o.address          = access_address;
        delivery_o.tail             = header.length[3:0];
        delivery_o.has_event        = header.notify;
        delivery_o.entry.event_type = EventTypeStored;
        delivery_o.entry.cookie     = window;
      end else begin
        delivery_o.entry.event_type = EventTypeViolation;
        delivery_o.entry.cookie     = window;
      end
    end
  end

  assign claim_o      = delivery_valid_o && delivery_o.has_event;
  assign read_valid_o = served;
  assign read_o       = '{bus: Bus, source: header.source, window: window, request: request};

  assign header_o    = header;
  assign accept_o    = keep || served;
  assign {answer_accepted_o, answer_busy_o, answer_corrupt_o, answer_refused_o} = answer_q;
  assign slot_tail_o = tail_q;
  assign busy_o      = capture_busy || (answer_q != '0) || access_busy;
  assign idle_o      = !busy_o;

  // Rules.
  `XYBUS_RULE(AcceptNeedsGoodCrc, !(delivery_valid_o || read_valid_o) || (ends && good))
  `XYBUS_RULE(DeliveryNeedsSlot, !received || slot_free)
  `XYBUS_RULE(AccessNeedsWindow, !(stored || served) || access_allowed)
  `XYBUS_RULE(EndIsAnsweredOnce, $countones(answer) == (ends ? 1 : 0))

endmodule
