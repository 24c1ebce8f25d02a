// Captures from the wires of a bus the beats of packets for this node, and nothing else.
//
// The wires belong to the free-running clock, this module to the gated one. It wakes with the first
// beat of a packet for this node; when it wakes for another reason, in the middle of a packet, it
// waits for the next first beat. No output follows the wires within the cycle.

module receive_capture
  import xybus_pkg::*;
#(
  /// Bits of a beat: 32 or 64.
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  /// This node's number.
  input  logic [3:0]           node_i,
  /// The bus, of the free-running clock.
  input  strobes_t             strobes_i,
  /// Fault point: this node does not hear the beat.
  input  logic                 deaf_i,
  input  logic [DataWidth-1:0] data_i,
  /// The beat of the cycle before.
  output strobes_t             strobes_o,
  output logic [DataWidth-1:0] data_o,
  /// A packet ended without a last beat.
  output logic                 broken_off_o,
  output logic                 busy_o
);

  localparam int unsigned BitWidth = $clog2(DataWidth);

  logic                 mine_q;  // the next beat belongs to a packet for this node
  strobes_t             rx_q;
  logic [DataWidth-1:0] rx_data_q;
  logic                 broken_off_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      mine_q       <= 1'b0;
      rx_q         <= '0;
      rx_data_q    <= '0;
      broken_off_q <= 1'b0;
    end else begin
      if (strobes_i.valid && strobes_i.first && !deaf_i && data_i[BitWidth'(node_i)]) begin
        mine_q    <= !strobes_i.last;
        rx_q      <= strobes_i;
        rx_data_q <= data_i;
      end else if (mine_q) begin
        mine_q <= strobes_i.valid && !deaf_i && !strobes_i.first && !strobes_i.last;
        if (strobes_i.valid && !deaf_i && !strobes_i.first) begin
          rx_q      <= strobes_i;
          rx_data_q <= data_i;
        end else begin
          rx_q <= '0;
        end
      end else if (rx_q.valid) begin
        rx_q <= '0;
      end
      if (mine_q) broken_off_q <= !strobes_i.valid || deaf_i || strobes_i.first;
      else if (broken_off_q) broken_off_q <= 1'b0;
    end
  end

  assign strobes_o    = rx_q;
  assign data_o       = rx_data_q;
  assign broken_off_o = broken_off_q;
  assign busy_o       = mine_q || rx_q.valid || broken_off_q;

endmodule
