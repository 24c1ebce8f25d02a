// Controller of one bus: arbitration, and the wires from the sender to every node.
//
//                  ┌────────────┐ winner ┌───────────┐ grant ──► one lane, a beat a cycle
//   request ──────►│ 2 round    ├───────►│ registers ├──┐
//   (a lane a node)│ robins     │◄─┐     └───────────┘  │ select
//                  └────────────┘  │ end     ┌──────────▼──┐
//   beats ─────────────────────────┼────────►│ mux         ├─► strobes, data ──► all nodes
//   (a lane a node)                └─────────┤ bus_guardian├─► offence
//                                            └─────────────┘
//
// A lane asks with its first beat ready. Its grant, held for the whole packet, says that its beat
// is taken and on the wires in this cycle. The packet ends with its last beat, or is cut; see
// bus_guardian. The next winner is found in that cycle: packets follow each other without a dead
// one. Control requests go before data requests, round robin within each.
//
// Waiting. While data waits, at most NumNodes control packets go in a row, then one data packet.
// Counted in longest packets, a control request waits at most for the one that has the bus, one
// control packet of each other node, and among these one data packet: NumNodes + 1. A data request
// waits at most for the one that has the bus, one data packet of each other node, and NumNodes
// control packets before each of these and before its own: NumNodes * (NumNodes + 1), with 16
// nodes 18496 cycles, less than the grant timeout after reset. What a faulty node does with its
// grants counts as packets.

`include "assertions.svh"

module bus_controller
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// Nodes on the bus, 2 to MaxNodes.
  parameter int unsigned NumNodes  = 4,
  /// Bits of a beat, 32 or 64.
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  /// Nodes that are halted.
  input  logic [NumNodes-1:0]  halted_i,
  /// A lane has a control packet, or a data packet, to send.
  input  logic [NumNodes-1:0]  request_control_i,
  input  logic [NumNodes-1:0]  request_data_i,
  /// The lane drives a beat; it is the packet's last one; the beat.
  input  logic [NumNodes-1:0]  valid_i,
  input  logic [NumNodes-1:0]  last_i,
  input  logic [DataWidth-1:0] data_i [NumNodes],
  /// The lane's beat is taken in this cycle.
  output logic [NumNodes-1:0]  grant_o,
  /// What every node sees in the same cycle; zero when nothing is sent.
  output strobes_t             strobes_o,
  output logic [DataWidth-1:0] data_o,
  /// The next cycle is the first of a packet, from this node. The guardian may still stop it.
  output logic                 start_o,
  output logic [3:0]           source_o,
  /// What the guardian has caught.
  output offence_t             offence_o,
  /// Nothing is asked for or granted, and no clock edge changes any state.
  output logic                 idle_o
);

  localparam int unsigned SourceWidth = $clog2(NumNodes);
  localparam int unsigned RunWidth    = $clog2(NumNodes + 1);

  logic [NumNodes-1:0] grant_q;
  logic [3:0]          source_q, source_next;
  logic                first_q;
  logic                granted, ends;
  assign granted = grant_q != '0;

  // ---- Arbitration --------------------------------------------------------------------------

  logic [NumNodes-1:0] request_any, control, data, grant_control, grant_data, winner;
  logic                bus_free;   // the next cycle can be the first of a packet
  logic                data_next;  // of those who ask, data goes next
  logic                take_control, take_data;
  logic [RunWidth-1:0] run_q;      // control packets in a row that went before waiting data

  assign request_any  = request_control_i | request_data_i;
  assign control      = request_control_i & ~halted_i;
  assign data         = request_data_i & ~halted_i;
  assign bus_free     = !granted || ends;
  assign data_next    = (data != '0) && ((control == '0) || (run_q == RunWidth'(NumNodes)));
  assign take_control = bus_free && !data_next && (control != '0);
  assign take_data    = bus_free && data_next;
  assign winner       = data_next ? grant_data : grant_control;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || take_data) run_q <= '0;
    else if (take_control) run_q <= (data != '0) ? run_q + RunWidth'(1) : '0;
  end

  round_robin_arbiter #(
    .Width(NumNodes)
  ) u_control (
    .clk_i,
    .rst_ni,
    .request_i(control),
    .grant_o  (grant_control),
    .take_i   (take_control)
  );

  round_robin_arbiter #(
    .Width(NumNodes)
  ) u_data (
    .clk_i,
    .rst_ni,
    .request_i(data),
    .grant_o  (grant_data),
    .take_i   (take_data)
  );

  always_comb begin
    source_next = '0;
    if (take_control || take_data) begin
      for (int unsigned i = 0; i < NumNodes; i++) begin
        if (winner[i]) source_next = 4'(i);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      grant_q  <= '0;
      source_q <= '0;
      first_q  <= 1'b0;
    end else if (take_control || take_data) begin
      grant_q  <= winner;
      source_q <= source_next;
      first_q  <= 1'b1;
    end else if (granted) begin
      first_q  <= 1'b0;
      if (ends) grant_q <= '0;
    end
  end

  // ---- The wires ----------------------------------------------------------------------------

  logic                 valid, last, halted, pass, guardian_idle;
  logic [DataWidth-1:0] beat;

  always_comb begin
    valid  = 1'b0;
    last   = 1'b0;
    halted = 1'b0;
    beat   = '0;
    if (granted) begin
      valid  = (valid_i & grant_q) != '0;
      last   = (last_i & grant_q) != '0;
      halted = (halted_i & grant_q) != '0;
      beat   = data_i[source_q[SourceWidth-1:0]];
    end
  end

  bus_guardian #(
    .NumNodes (NumNodes),
    .DataWidth(DataWidth)
  ) u_guardian (
    .clk_i,
    .rst_ni,
    .halted_i,
    .request_i      (request_any),
    .granted_i      (granted),
    .first_i        (first_q),
    .source_i       (source_q),
    .halted_source_i(halted),
    .valid_i        (valid),
    .last_i         (last),
    .named_source_i (beat[19:16]),
    .pass_o         (pass),
    .end_o          (ends),
    .offence_o,
    .idle_o         (guardian_idle)
  );

  assign grant_o   = grant_q;
  assign strobes_o = '{valid: pass, first: pass && first_q, last: pass && last};
  assign data_o    = pass ? beat : '0;
  assign start_o   = take_control || take_data;
  assign source_o  = source_next;
  assign idle_o    = (request_any == '0) && !granted && guardian_idle;

  // Rules. How long a request waits at most is counted in the bench.
  `XYBUS_RULE(GrantIsOneHot, $onehot0(grant_q))
  `XYBUS_RULE(BusIsNotWasted, granted || (start_o == ((control | data) != '0)))
  `XYBUS_RULE(HaltedIsNotGranted, !start_o || ((winner & halted_i) == '0))
  `XYBUS_RULE(DataIsNotStarved, 32'(run_q) <= NumNodes)

endmodule
