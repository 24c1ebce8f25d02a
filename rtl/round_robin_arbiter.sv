// Round-robin arbiter.
//
// Grants one requestor, combinationally: the first one above the last winner, or the lowest. A
// requestor that keeps asking wins at the latest after every other one has won once.

`include "assertions.svh"

module round_robin_arbiter #(
  /// Requestors, 1 or more.
  parameter int unsigned Width = 4
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  /// Who asks.
  input  logic [Width-1:0] request_i,
  /// Who wins: one-hot, or zero when nobody asks.
  output logic [Width-1:0] grant_o,
  /// The grant was used: the turn passes on.
  input  logic             take_i
);

  // Requestors above the last winner, who have not had their turn in this round.
  logic [Width-1:0] above_q;
  logic [Width-1:0] first;

  assign first   = request_i & above_q;
  assign grant_o = (first != '0) ? first & (~first + Width'(1))
                                 : request_i & (~request_i + Width'(1));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      above_q <= '0;
    end else if (take_i) begin
      above_q <= ~(grant_o | (grant_o - Width'(1)));
    end
  end

  // Rules.
  `XYBUS_RULE(GrantIsOneHot, $onehot0(grant_o))
  `XYBUS_RULE(GrantIsAsked, (grant_o & ~request_i) == '0)
  `XYBUS_RULE(GrantIsGiven, (request_i == '0) || (grant_o != '0))
  `XYBUS_RULE(TakeNeedsGrant, !take_i || (grant_o != '0))

endmodule
