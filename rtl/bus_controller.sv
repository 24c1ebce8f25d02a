// Controller of one bus: arbitration, and the wires from the sender to every node.
//
//   request, words ──►┌────────────┐ winner  ┌────────┐ grant ──► one lane, a cycle a word
//   (a lane a node)   │ 2 round    ├────────►│ packet │
//                     │ robins     │         │ timer  ├───┐ select
//                     └────────────┘         └────────┘   ▼
//   data (a lane a node) ─────────────────────────────►[ mux ]─►[ register ]─► wires to all
//
// A lane asks with the number of words of its packet. The controller keeps the time: it grants
// exactly that many cycles, so that no sender can hold the bus past one packet. Control requests
// go before data requests, round robin within each. The next winner is found during the last
// word of the current packet: packets follow each other without a dead cycle.
//
// Waiting: while data waits, at most ControlRun control packets go in a row, then one data packet.
// So a data request waits at most for NumNodes * (ControlRun + 1) packets: 5360 cycles with 16
// nodes and the longest packets, less than the grant timeout after reset. A control request waits
// at most for one control packet of each other node, and one data packet in each such run.

`include "assertions.svh"

module bus_controller
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// Nodes on the bus, 2 to MaxNodes.
  parameter int unsigned NumNodes = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  /// A lane has a control packet to send.
  input  logic [NumNodes-1:0] request_control_i,
  /// A lane has a data packet to send.
  input  logic [NumNodes-1:0] request_data_i,
  /// Words in that packet, HeaderWords + CrcWords to MaxPacketWords.
  input  packet_words_t       words_i          [NumNodes],
  /// The lane's next word.
  input  word_t               data_i           [NumNodes],
  /// The lane's word is taken in this cycle.
  output logic [NumNodes-1:0] grant_o,
  /// What every node sees, one cycle after the grant.
  output bus_wires_t          wires_o,
  /// The first word of a packet is being taken, from this node.
  output logic                start_o,
  output logic [3:0]          source_o,
  /// Nothing is asked for, granted or on the wires.
  output logic                idle_o
);

  localparam int unsigned SourceWidth = $clog2(NumNodes);
  localparam int unsigned ControlRun  = 4;

  logic [NumNodes-1:0] grant_control, grant_data, winner;
  logic                take_control, take_data;

  logic [NumNodes-1:0] grant_q;
  logic [3:0]          source_q, source_next;
  packet_words_t       left_q, words_next;  // words to come after the current one
  logic                first_q;
  bus_wires_t          wires_q;

  logic bus_free;   // the next cycle can carry the first word of a packet
  logic data_next;  // of those who ask, data goes next
  logic [2:0] run_q;  // control packets in a row that went before waiting data
  assign bus_free     = (grant_q == '0) || (left_q == '0);
  assign data_next    = (request_data_i != '0) &&
                        ((request_control_i == '0) || (run_q == 3'(ControlRun)));
  assign take_control = bus_free && !data_next && (request_control_i != '0);
  assign take_data    = bus_free && data_next;
  assign winner       = data_next ? grant_data : grant_control;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || take_data) run_q <= '0;
    else if (take_control) run_q <= (request_data_i != '0) ? run_q + 3'd1 : '0;
  end

  round_robin_arbiter #(
    .Width(NumNodes)
  ) u_control (
    .clk_i,
    .rst_ni,
    .request_i(request_control_i),
    .grant_o  (grant_control),
    .take_i   (take_control)
  );

  round_robin_arbiter #(
    .Width(NumNodes)
  ) u_data (
    .clk_i,
    .rst_ni,
    .request_i(request_data_i),
    .grant_o  (grant_data),
    .take_i   (take_data)
  );

  always_comb begin
    source_next = '0;
    words_next  = '0;
    if (take_control || take_data) begin
      for (int unsigned i = 0; i < NumNodes; i++) begin
        if (winner[i]) begin
          source_next = 4'(i);
          words_next  = words_i[i];
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      grant_q  <= '0;
      source_q <= '0;
      left_q   <= '1;
      first_q  <= 1'b0;
    end else if (bus_free) begin
      grant_q  <= (take_control || take_data) ? winner : '0;
      source_q <= source_next;
      left_q   <= words_next - packet_words_t'(1);
      first_q  <= take_control || take_data;
    end else begin
      left_q   <= left_q - packet_words_t'(1);
      first_q  <= 1'b0;
    end
  end

  // The wires keep their last word while nothing is sent: fewer edges, in silicon and in a trace.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      wires_q <= '0;
    end else begin
      wires_q.valid <= grant_q != '0;
      wires_q.first <= first_q;
      wires_q.last  <= (grant_q != '0) && (left_q == '0);
      if (grant_q != '0) wires_q.data <= data_i[source_q[SourceWidth-1:0]];
    end
  end

  assign grant_o  = grant_q;
  assign wires_o  = wires_q;
  assign start_o  = first_q;
  assign source_o = source_q;
  assign idle_o   = (request_control_i == '0) && (request_data_i == '0) && (grant_q == '0) &&
                    !wires_q.valid;

  // Rules.
  `XYBUS_RULE(GrantIsOneHot, $onehot0(grant_q))
  `XYBUS_RULE(PacketIsBounded, (grant_q == '0) || (left_q < packet_words_t'(MaxPacketWords)))
  `XYBUS_RULE(BusIsNotWasted, (grant_q != '0) ||
              ((take_control || take_data) == ((request_control_i | request_data_i) != '0)))

endmodule
