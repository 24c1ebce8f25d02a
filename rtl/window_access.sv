// Asks the window table whether the packet at hand may access the place it names.
//
// A window that the CPU posts or closes between the reply and the verdict counts as closed: after
// the post nothing is accepted under its old terms.

`include "assertions.svh"

module window_access
  import xybus_pkg::*;
(
  input  logic          clk_i,
  input  logic          rst_ni,
  /// A new packet: nothing is asked yet.
  input  logic          start_i,
  /// The question is complete, for one cycle; it stays as it is until the packet has ended.
  input  logic          ask_i,
  input  lookup_t       question_i,
  /// The window table. A question is taken in the first or second cycle.
  output logic          lookup_valid_o,
  output lookup_t       lookup_o,
  input  logic          lookup_ready_i,
  /* verilator lint_off UNUSEDSIGNAL */  // not all of it matters here
  input  lookup_reply_t reply_i,
  input  window_post_t  post_i,
  /* verilator lint_on UNUSEDSIGNAL */
  /// The packet may, at this place in node RAM; from the second cycle after ask_i on.
  output logic          allowed_o,
  output line_address_t address_o,
  output logic          busy_o
);

  typedef enum logic [1:0] {
    Unasked,
    Asking,
    Replying,
    Known
  } state_e;

  state_e        state_q;
  logic          allowed_q;  // where Known
  line_address_t address_q;
  logic          revoked_q;

  logic asking, posted;
  assign asking = ask_i || (state_q == Asking);
  assign posted = post_i.valid && (post_i.index == question_i.place.window);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= Unasked;
      allowed_q <= 1'b0;
      address_q <= '0;
      revoked_q <= 1'b0;
    end else if (start_i) begin
      state_q <= Unasked;
    end else begin
      if (asking) begin
        state_q   <= lookup_ready_i ? Replying : Asking;
        revoked_q <= 1'b0;
      end else if (state_q == Replying) begin
        state_q   <= Known;
        allowed_q <= reply_i.allowed;
        address_q <= reply_i.address;
      end
      if (posted && ((state_q == Replying) || (state_q == Known))) revoked_q <= 1'b1;
    end
  end

  assign lookup_valid_o = asking;
  assign lookup_o       = question_i;
  assign address_o      = (state_q == Replying) ? reply_i.address : address_q;
  assign busy_o         = (state_q == Asking) || (state_q == Replying);

  always_comb begin
    unique case (state_q)
      Replying: allowed_o = reply_i.allowed && !revoked_q && !posted;
      Known:    allowed_o = allowed_q && !revoked_q && !posted;
      default:  allowed_o = 1'b0;
    endcase
  end

  // Rules.
  `XYBUS_RULE(ServedInTime, (state_q != Asking) || lookup_ready_i)

endmodule
