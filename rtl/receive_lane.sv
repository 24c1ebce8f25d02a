// Receive lane: takes the packets for this node from one bus.
//
//   Idle ─► Header ─► Payload ─► Idle, with the answer in the next cycle
//
// A lane looks at the first word only, unless the packet is for it. The payload goes into the next
// receive slot of this bus, a line at a time, as it arrives; only when the CRC has been found
// right is the slot kept and an event written, so that nothing corrupt is ever delivered, in whole
// or in part. The answer:
//
//   corrupt   wrong CRC, or a length that does not match the words
//   accepted  delivered; or a duplicate of the last packet of its flow, which is dropped
//   busy      good and new, but there is no slot, or no room in the event ring
//
// A packet that breaks off, or a new first word, returns the lane to the start.

`include "assertions.svh"

module receive_lane
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
  import crc32c_pkg::*;
#(
  /// The bus of this lane, for its events.
  parameter bus_id_e Bus = BusIdX
) (
  input  logic           clk_i,
  /// Low also while the engine is disabled.
  input  logic           rst_ni,
  /// This node's number.
  input  logic [3:0]     node_i,
  input  bus_wires_t     wires_i,
  output answer_e        answer_o,
  /// Receive slots: first line, number - 1, given back by the CPU, filled.
  input  line_address_t  slot_base_i,
  input  index_t         slot_mask_i,
  input  index_t         slot_head_i,
  output index_t         slot_tail_o,
  /// Duplicates: the header of the packet at hand, whether it is one, and that it was accepted.
  output packet_header_t header_o,
  input  logic           duplicate_i,
  output logic           accept_o,
  /// Lines of payload, to node RAM.
  output logic           write_valid_o,
  output line_address_t  write_address_o,
  output line_t          write_data_o,
  input  logic           write_ready_i,
  /// The event of a delivered packet; room_i says that the ring can take it.
  input  logic           room_i,
  output logic           event_valid_o,
  output event_entry_t   event_o,
  input  logic           event_ready_i,
  /// One-cycle counter pulses.
  output counts_t        counts_o,
  output logic           idle_o
);

  typedef enum logic [1:0] {
    Idle,
    Header,
    Payload
  } state_e;

  state_e         state_q;
  packet_header_t header_q;
  logic [31:0]    crc_q;
  packet_words_t  word_q;       // payload words taken
  line_t          line_q;       // the line that is being filled
  logic           write_valid_q;
  line_address_t  write_address_q;
  line_t          write_data_q;
  index_t         tail_q;
  answer_e        answer_q;
  logic           event_valid_q;
  event_entry_t   event_q;

  // ---- The packet ---------------------------------------------------------------------------

  logic addressed, ends;
  assign addressed = wires_i.valid && wires_i.first && wires_i.data[5'(node_i)];
  assign ends      = (state_q == Payload) && wires_i.valid && !wires_i.first && wires_i.last;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q  <= Idle;
      header_q <= '0;
      crc_q    <= '0;
      word_q   <= '0;
      line_q   <= '0;
    end else if (addressed) begin
      state_q        <= Header;
      header_q[31:0] <= wires_i.data;
      crc_q          <= crc32c_step(Crc32cInitial, wires_i.data);
      word_q         <= '0;
    end else if (state_q != Idle) begin
      if (!wires_i.valid || wires_i.first || wires_i.last) begin
        state_q <= Idle;
      end else begin
        state_q <= Payload;
        crc_q   <= crc32c_step(crc_q, wires_i.data);
        if (state_q == Header) begin
          header_q[63:32] <= wires_i.data;
        end else begin
          word_q <= word_q + packet_words_t'(1);
          line_q[32*word_q[1:0]+:32] <= wires_i.data;
        end
      end
    end
  end

  // ---- Lines to RAM -------------------------------------------------------------------------

  // A slot that is given back while a packet passes is for the next one: the first lines of this
  // one are gone.
  logic slot_free_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) slot_free_q <= 1'b0;
    else if (addressed) slot_free_q <= index_t'(tail_q - slot_head_i) <= slot_mask_i;
  end

  // A line is complete with its fourth word, or when the CRC word follows a part of one.
  logic line_done, line_rest;
  assign line_done = (state_q == Payload) && wires_i.valid && !wires_i.last &&
                     (word_q[1:0] == 2'd3);
  assign line_rest = ends && (word_q[1:0] != 2'd0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_valid_q   <= 1'b0;
      write_address_q <= '0;
      write_data_q    <= '0;
    end else begin
      if (write_ready_i) write_valid_q <= 1'b0;
      if ((line_done || line_rest) && slot_free_q) begin
        write_valid_q   <= 1'b1;
        write_address_q <= slot_base_i + line_address_t'({tail_q & slot_mask_i, 4'd0}) +
                           line_address_t'(word_q[5:2]);
        write_data_q    <= line_done ? {wires_i.data, line_q[95:0]} : line_q;
      end
    end
  end

  // ---- The verdict --------------------------------------------------------------------------

  logic good, well_formed, room, deliver;
  assign good        = wires_i.data == ~crc_q;
  assign well_formed = (header_q.length <= 12'(MaxPayloadBytes)) &&
                       (7'(payload_words(header_q.length[8:0])) == word_q) &&
                       (header_q.kind == PacketKindMessage);
  assign room        = slot_free_q && room_i && !event_valid_q;
  assign deliver     = ends && good && well_formed && !duplicate_i && room;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      answer_q      <= AnswerNone;
      tail_q        <= '0;
      event_valid_q <= 1'b0;
      event_q       <= '0;
    end else begin
      answer_q <= AnswerNone;
      if (event_valid_o && event_ready_i) event_valid_q <= 1'b0;
      if (ends) begin
        if (!good || !well_formed) answer_q <= AnswerCorrupt;
        else if (duplicate_i || room) answer_q <= AnswerAccepted;
        else answer_q <= AnswerBusy;
      end
      if (deliver) begin
        tail_q             <= tail_q + 16'd1;
        event_valid_q      <= 1'b1;
        event_q            <= '0;
        event_q.event_type <= EventTypeReceived;
        event_q.bus        <= Bus;
        event_q.cookie     <= 32'(tail_q);
        {event_q.header_1, event_q.header_0} <= header_q;
      end
    end
  end

  always_comb begin
    counts_o = '0;
    if (ends) begin
      counts_o.crc_error = !good;
      counts_o.malformed = good && !well_formed;
      counts_o.duplicate = good && well_formed && duplicate_i;
      counts_o.refused   = good && well_formed && !duplicate_i && !room;
      counts_o.received  = deliver;
    end
  end

  assign answer_o        = answer_q;
  assign slot_tail_o     = tail_q;
  assign header_o        = header_q;
  assign accept_o        = deliver;
  assign write_valid_o   = write_valid_q;
  assign write_address_o = write_address_q;
  assign write_data_o    = write_data_q;
  assign event_valid_o   = event_valid_q && !write_valid_q;  // payload before event
  assign event_o         = event_q;
  assign idle_o          = (state_q == Idle) && (answer_q == AnswerNone) && !write_valid_q &&
                           !event_valid_q;

  // Rules.
  `XYBUS_RULE(DeliveryNeedsGoodCrc, !deliver || (good && ends))
  `XYBUS_RULE(DeliveryNeedsSlot, !deliver || slot_free_q)
  `XYBUS_RULE(LineIsNotLost, !((line_done || line_rest) && slot_free_q) || !write_valid_q ||
              write_ready_i)
  `XYBUS_RULE(SlotIsNotOverrun, !(line_done || line_rest) || (word_q < 7'(MaxPayloadWords)) ||
              !slot_free_q)

endmodule
