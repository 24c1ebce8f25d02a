// Fault points between the nodes and one bus: nodes that misbehave at their port.
//
//   babble  the node asks all the time in the control class. Its packets are noise that names the
//           right source, of random lengths, now and then without end. The node gets nothing.
//   forge   the first beat of its packets names another source.
//   hold    its packets do not end: the last beat is not marked, and goes on.
//
// With all of them off it is nothing but wires: grants and beats pass in the same cycle. A node's
// part changes between its packets.

`include "assertions.svh"

module rogue_port #(
  /// Nodes on the bus, 2 to 16.
  parameter int unsigned NumNodes  = 4,
  /// Bits of a beat, 32 or 64.
  parameter int unsigned DataWidth = 32,
  /// Where the noise begins, not 0.
  parameter logic [31:0] Seed      = 32'h1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  /// Nodes that do so.
  input  logic [NumNodes-1:0]  babble_i,
  input  logic [NumNodes-1:0]  forge_i,
  input  logic [NumNodes-1:0]  hold_i,
  /// The nodes' side; see bus_controller.
  input  logic [NumNodes-1:0]  request_control_i,
  input  logic [NumNodes-1:0]  request_data_i,
  input  logic [NumNodes-1:0]  valid_i,
  input  logic [NumNodes-1:0]  last_i,
  input  logic [DataWidth-1:0] data_i [NumNodes],
  output logic [NumNodes-1:0]  grant_o,
  /// The controller's side.
  output logic [NumNodes-1:0]  request_control_o,
  output logic [NumNodes-1:0]  request_data_o,
  output logic [NumNodes-1:0]  valid_o,
  output logic [NumNodes-1:0]  last_o,
  output logic [DataWidth-1:0] data_o [NumNodes],
  input  logic [NumNodes-1:0]  grant_i,
  /// Nobody babbles, and no clock edge changes any state while nothing is granted.
  output logic                 idle_o
);

  logic                rogue;       // some fault is on, or not yet over
  logic [NumNodes-1:0] babble_q;    // the node's packets are noise
  logic [NumNodes-1:0] holding_q;   // the node has ended its packet, and this goes on
  logic [NumNodes-1:0] granted_q;   // granted in the last cycle too
  logic [31:0]         noise_q;
  logic [7:0]          beats_q;     // of noise: half of them in packets without end
  logic                noise_ends;

  assign rogue      = (babble_i | babble_q | forge_i | hold_i | holding_q) != '0;
  assign noise_ends = (noise_q[31:28] == 4'd0) && !beats_q[7];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      babble_q  <= '0;
      holding_q <= '0;
      granted_q <= '0;
      noise_q   <= Seed;
      beats_q   <= '0;
    end else if (rogue) begin
      babble_q  <= (babble_i & ~grant_i) | (babble_q & grant_i);
      holding_q <= grant_i & (holding_q | (hold_i & valid_i & last_i));
      granted_q <= grant_i;
      if ((grant_i & babble_q) != '0) begin
        noise_q <= xorshift(noise_q);
        beats_q <= beats_q + 8'd1;
      end
    end else if (granted_q != grant_i) begin
      granted_q <= grant_i;
    end
  end

  // While a node babbles or holds the bus it does not see the grant; its requests have to wait.
  assign grant_o           = grant_i & ~babble_q & ~holding_q;
  assign request_control_o = (request_control_i & ~babble_q & ~holding_q) | (babble_q & babble_i);
  assign request_data_o    = request_data_i & ~babble_q & ~holding_q;
  assign valid_o           = valid_i | babble_q | holding_q;
  assign last_o            = rogue ? (last_i & ~hold_i & ~babble_q & ~holding_q) |
                                     (babble_q & {NumNodes{noise_ends}}) : last_i;

  always_comb begin
    data_o = data_i;
    if (rogue && (grant_i != '0)) begin
      for (int unsigned i = 0; i < NumNodes; i++) begin
        if (grant_i[i] && babble_q[i]) begin
          data_o[i]        = {(DataWidth / 32){noise_q}};
          data_o[i][19:16] = 4'(i);
        end else if (grant_i[i] && !granted_q[i] && forge_i[i]) begin
          data_o[i][16] = !data_i[i][16];
        end
      end
    end
  end

  assign idle_o = (babble_i | babble_q | holding_q | granted_q) == '0;

  /// Marsaglia's xorshift with the shifts 13, 17, 5: visits every number but 0.
  function automatic logic [31:0] xorshift(input logic [31:0] number);
    logic [31:0] next;
    next = number ^ (number << 13);
    next = next ^ (next >> 17);
    return next ^ (next << 5);
  endfunction

  // Rules.
  `XYBUS_RULE(HonestIsWired, rogue || ((grant_o == grant_i) && (valid_o == valid_i)))
  `XYBUS_RULE(GrantIsNotShared, (grant_o & (babble_q | holding_q)) == '0)
  `XYBUS_RULE(NoiseGoesOn, noise_q != '0)

endmodule
