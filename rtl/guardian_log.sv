// What the guardian of one bus has caught, as a node's CPU reads it: how often, and the last case.

module guardian_log
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic          clk_i,
  input  logic          rst_ni,
  /// From the bus, for one cycle.
  input  offence_t      offence_i,
  output guardian_x_reg_t log_o
);

  guardian_x_reg_t log_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      log_q <= '0;
    end else if (offence_i.valid) begin
      log_q.offender <= offence_i.offender;
      log_q.offence  <= offence_i.offence;
      if (log_q.offences != '1) log_q.offences <= log_q.offences + 16'd1;
    end
  end

  assign log_o = log_q;

endmodule
