// Shows one bus to a person at a waveform viewer. Simulation only; it drives nothing.
//
// packet  the header of the packet on the wires, as its sender gave it, from its last header beat
//         to the end of its answer slot; zero in between.
// header  the same as one number: a viewer's filter turns it into text.
// answer  what the sender saw in the answer slot, named; Nothing outside of one.
// offence what the guardian has just caught, named, and whom: offender.
// fault   whether a fault point is acting on this bus, or its guardian has caught somebody.

module bus_probe
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  /// The wires before the fault points; the answers behind them, and whether it is their slot.
  input  strobes_t             sent_i,
  input  logic [DataWidth-1:0] data_i,
  /// The strobes behind the fault points.
  input  strobes_t             wires_i,
  input  logic                 answering_i,
  input  answers_t             answers_i,
  /// Faults of the wires, of some node, and offences.
  input  logic                 wire_fault_i,
  input  logic                 node_fault_i,
  input  offence_t             offence_i
);

  typedef enum logic [2:0] {
    Nothing,
    Accepted,
    Busy,
    Corrupt,
    Silence,
    Refused
  } outcome_e;

  // Read by nobody but the viewer.
  /* verilator lint_off UNUSEDSIGNAL */
  logic           valid, first, last;
  packet_header_t packet;
  logic [63:0]    header;
  outcome_e       answer;
  offence_e       offence;
  logic [3:0]     offender;
  logic           fault;
  /* verilator lint_on UNUSEDSIGNAL */

  assign {valid, first, last} = wires_i;

  packet_header_t packet_q, whole;
  logic           complete;  // the header is whole in this cycle
  logic           shown_q;   // a packet is on the wires, or waits for its answer

  if (DataWidth == 64) begin : gen_one_beat
    assign complete = sent_i.valid && sent_i.first;
    assign whole    = data_i;
  end else begin : gen_two_beats
    logic        second_q;
    logic [31:0] first_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        second_q <= 1'b0;
        first_q  <= '0;
      end else if (sent_i.valid || second_q) begin
        second_q <= sent_i.valid && sent_i.first;
        if (sent_i.first) first_q <= data_i;
      end
    end
    assign complete = second_q && sent_i.valid;
    assign whole    = {data_i, first_q};
  end

  // Between the last beat and the answer slot.
  logic waiting_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) waiting_q <= 1'b0;
    else if (sent_i.last) waiting_q <= 1'b1;
    else if (answering_i) waiting_q <= 1'b0;
  end

  // An answer slot can lie in the next packet: it ends only the packet that it belongs to.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      packet_q <= '0;
      shown_q  <= 1'b0;
    end else if (complete) begin
      packet_q <= whole;
      shown_q  <= 1'b1;
    end else if (shown_q && !sent_i.valid && (answering_i || !waiting_q)) begin
      packet_q <= '0;
      shown_q  <= 1'b0;
    end
  end

  // Several nodes can answer a multicast; the worst answer is shown.
  always_comb begin
    answer = Nothing;
    if (answering_i) begin
      if (answers_i.refused != '0) answer = Refused;
      else if (answers_i.corrupt != '0) answer = Corrupt;
      else if (answers_i.busy != '0) answer = Busy;
      else if (answers_i.accepted != '0) answer = Accepted;
      else answer = Silence;
    end
  end

  assign packet   = complete ? whole : packet_q;
  assign header   = packet;
  assign offence  = offence_i.valid ? offence_i.offence : OffenceNone;
  assign offender = offence_i.offender;
  assign fault    = wire_fault_i || node_fault_i || offence_i.valid;

endmodule

bind fabric bus_probe #(
  .DataWidth(DataWidth)
) u_probe_x (
  .clk_i,
  .rst_ni,
  .sent_i      (gen_bus[0].sent),
  .data_i      (gen_bus[0].sent_data),
  .wires_i     (strobes[0]),
  .answering_i (gen_bus[0].answering),
  .answers_i   (answers[0]),
  .wire_fault_i((fault_flip_q[0] != '0) || fault_drop_q[0] || fault_answer_drop_q[0] ||
                (fault_answer_flip_q[0] != '0) || (fault_stuck_mask_q[0] != '0) ||
                (fault_strobes_q[0] != '0) || (fault_partition_q[0] != '0) ||
                fault_dead_q[0] || (fault_slow_q[0] != '0) || fault_double_q[0]),
  .node_fault_i((fault_babble_q | fault_forge_q | fault_hold_q | fault_upset_q |
                 fault_event_hold_q) != '0),
  .offence_i   (offence[0])
);

bind fabric bus_probe #(
  .DataWidth(DataWidth)
) u_probe_y (
  .clk_i,
  .rst_ni,
  .sent_i      (gen_bus[1].sent),
  .data_i      (gen_bus[1].sent_data),
  .wires_i     (strobes[1]),
  .answering_i (gen_bus[1].answering),
  .answers_i   (answers[1]),
  .wire_fault_i((fault_flip_q[1] != '0) || fault_drop_q[1] || fault_answer_drop_q[1] ||
                (fault_answer_flip_q[1] != '0) || (fault_stuck_mask_q[1] != '0) ||
                (fault_strobes_q[1] != '0) || (fault_partition_q[1] != '0) ||
                fault_dead_q[1] || (fault_slow_q[1] != '0) || fault_double_q[1]),
  .node_fault_i((fault_babble_q | fault_forge_q | fault_hold_q | fault_upset_q |
                 fault_event_hold_q) != '0),
  .offence_i   (offence[1])
);
