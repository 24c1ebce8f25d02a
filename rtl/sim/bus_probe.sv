// Shows one bus to a person at a waveform viewer. Simulation only; it drives nothing.
//
// packet  the header of the packet on the wires, from its second word to the end of its answer
//         slot; zero in between. A viewer's filter turns it into text.
// answer  the answer in the answer slot, named.
// fault   whether a fault point is acting on this bus.

module bus_probe
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic           clk_i,
  input  logic           rst_ni,
  input  bus_wires_t     wires_i,
  input  answers_t       answers_i,
  input  logic [31:0]    fault_flip_i,
  input  logic           fault_drop_i,
  input  logic           fault_answer_drop_i
);

  // Read by nobody but the viewer.
  /* verilator lint_off UNUSEDSIGNAL */
  packet_header_t packet;
  answer_e        answer;
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
    end else if (wires_i.valid || answering_q) begin
      answering_q <= wires_i.valid && wires_i.last;
      second_q    <= wires_i.valid && wires_i.first;
      if (wires_i.valid && wires_i.first) first_q <= wires_i.data;
      if (second_q) packet_q <= {wires_i.data, first_q};
      else if (answering_q) packet_q <= '0;
    end
  end

  // Several nodes can answer a multicast; the first one is shown.
  always_comb begin
    answer = AnswerNone;
    if (answers_i != '0) begin
      for (int unsigned i = MaxNodes; i > 0; i--) begin
        if (answers_i[2*i-2+:2] != '0) answer = answer_e'(answers_i[2*i-2+:2]);
      end
    end
  end

  assign packet = (second_q && wires_i.valid) ? {wires_i.data, first_q} : packet_q;
  assign fault  = (fault_flip_i != '0) || fault_drop_i || fault_answer_drop_i;

endmodule

bind fabric bus_probe u_probe_x (
  .clk_i,
  .rst_ni,
  .wires_i            (wires[0]),
  .answers_i          (answers[0]),
  .fault_flip_i       (fault_flip_q[0]),
  .fault_drop_i       (fault_drop_q[0]),
  .fault_answer_drop_i(fault_answer_drop_q[0])
);

bind fabric bus_probe u_probe_y (
  .clk_i,
  .rst_ni,
  .wires_i            (wires[1]),
  .answers_i          (answers[1]),
  .fault_flip_i       (fault_flip_q[1]),
  .fault_drop_i       (fault_drop_q[1]),
  .fault_answer_drop_i(fault_answer_drop_q[1])
);
