// Shows one bus to a person at a waveform viewer. Simulation only; it drives nothing.
//
// packet  the header of the packet on the wires, as its sender gave it, from its second word to the
//         end of its answer slot; zero in between.
// header  the same as one number: a viewer's filter turns it into text.
// answer  what the sender saw in the answer slot, named; Nothing outside of one.
// fault   whether a fault point is acting on this bus.

module bus_probe
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic           clk_i,
  input  logic           rst_ni,
  /// The wires before the fault points, the answers behind them.
  input  bus_wires_t     sent_i,
  input  answers_t       answers_i,
  input  logic [31:0]    fault_flip_i,
  input  logic           fault_drop_i,
  input  logic           fault_answer_drop_i
);

  typedef enum logic [2:0] {
    Nothing,
    Accepted,
    Busy,
    Corrupt,
    Silence
  } outcome_e;

  // Read by nobody but the viewer.
  /* verilator lint_off UNUSEDSIGNAL */
  packet_header_t packet;
  logic [63:0]    header;
  outcome_e       answer;
  logic           fault;
  /* verilator lint_on UNUSEDSIGNAL */

  word_t          first_q;
  logic           second_q;
  packet_header_t packet_q;
  logic           answering_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      first_q     <= '0;
      second_q    <= 1'b0;
      packet_q    <= '0;
      answering_q <= 1'b0;
    end else if (sent_i.valid || answering_q) begin
      answering_q <= sent_i.valid && sent_i.last;
      second_q    <= sent_i.valid && sent_i.first;
      if (sent_i.valid && sent_i.first) first_q <= sent_i.data;
      if (second_q) packet_q <= {sent_i.data, first_q};
      else if (answering_q) packet_q <= '0;
    end
  end

  // Several nodes can answer a multicast; the first one is shown.
  always_comb begin
    answer = Nothing;
    if (answering_q) begin
      answer = Silence;
      for (int unsigned i = MaxNodes; i > 0; i--) begin
        unique case (answer_e'(answers_i[2*i-2+:2]))
          AnswerAccepted: answer = Accepted;
          AnswerBusy:     answer = Busy;
          AnswerCorrupt:  answer = Corrupt;
          default: ;
        endcase
      end
    end
  end

  assign packet = (second_q && sent_i.valid) ? {sent_i.data, first_q} : packet_q;
  assign header = packet;
  assign fault  = (fault_flip_i != '0) || fault_drop_i || fault_answer_drop_i;

endmodule

bind fabric bus_probe u_probe_x (
  .clk_i,
  .rst_ni,
  .sent_i             (gen_bus[0].sent),
  .answers_i          (answers[0]),
  .fault_flip_i       (fault_flip_q[0]),
  .fault_drop_i       (fault_drop_q[0]),
  .fault_answer_drop_i(fault_answer_drop_q[0])
);

bind fabric bus_probe u_probe_y (
  .clk_i,
  .rst_ni,
  .sent_i             (gen_bus[1].sent),
  .answers_i          (answers[1]),
  .fault_flip_i       (fault_flip_q[1]),
  .fault_drop_i       (fault_drop_q[1]),
  .fault_answer_drop_i(fault_answer_drop_q[1])
);
