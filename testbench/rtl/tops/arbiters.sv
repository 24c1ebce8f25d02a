// Round-robin arbiters of several widths side by side, for their bench.

module arbiters (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [0:0]  request_1_i,
  output logic [0:0]  grant_1_o,
  input  logic        take_1_i,
  input  logic [1:0]  request_2_i,
  output logic [1:0]  grant_2_o,
  input  logic        take_2_i,
  input  logic [4:0]  request_5_i,
  output logic [4:0]  grant_5_o,
  input  logic        take_5_i,
  input  logic [15:0] request_16_i,
  output logic [15:0] grant_16_o,
  input  logic        take_16_i
);

  round_robin_arbiter #(
    .Width(1)
  ) u_1 (
    .clk_i,
    .rst_ni,
    .request_i(request_1_i),
    .grant_o  (grant_1_o),
    .take_i   (take_1_i)
  );

  round_robin_arbiter #(
    .Width(2)
  ) u_2 (
    .clk_i,
    .rst_ni,
    .request_i(request_2_i),
    .grant_o  (grant_2_o),
    .take_i   (take_2_i)
  );

  round_robin_arbiter #(
    .Width(5)
  ) u_5 (
    .clk_i,
    .rst_ni,
    .request_i(request_5_i),
    .grant_o  (grant_5_o),
    .take_i   (take_5_i)
  );

  round_robin_arbiter #(
    .Width(16)
  ) u_16 (
    .clk_i,
    .rst_ni,
    .request_i(request_16_i),
    .grant_o  (grant_16_o),
    .take_i   (take_16_i)
  );

endmodule
