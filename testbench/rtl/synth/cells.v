// The iCE40 cells that a netlist is made of, as the maker's library describes them; block RAM as
// 256 words of 16 bits only. Reading a word in the cycle in which it is written gives no promise:
// here, the inverse of the old one, so that nothing can rely on it.

module SB_LUT4 (output O, input I0, input I1, input I2, input I3);
  parameter [15:0] LUT_INIT = 16'd0;
  assign O = LUT_INIT[{I3, I2, I1, I0}];
endmodule

module SB_CARRY (output CO, input I0, input I1, input CI);
  assign CO = (I0 & I1) | ((I0 | I1) & CI);
endmodule

module SB_DFF (output reg Q, input C, input D);
  always @(posedge C) Q <= D;
endmodule

module SB_DFFE (output reg Q, input C, input E, input D);
  always @(posedge C) if (E) Q <= D;
endmodule

module SB_DFFSR (output reg Q, input C, input R, input D);
  always @(posedge C) Q <= D & ~R;
endmodule

module SB_DFFSS (output reg Q, input C, input S, input D);
  always @(posedge C) Q <= D | S;
endmodule

module SB_DFFESR (output reg Q, input C, input E, input R, input D);
  always @(posedge C) if (E) Q <= D & ~R;
endmodule

module SB_DFFESS (output reg Q, input C, input E, input S, input D);
  always @(posedge C) if (E) Q <= D | S;
endmodule

module SB_RAM40_4K (
  output reg [15:0] RDATA,
  input             RCLK,
  input             RCLKE,
  input             RE,
  input      [10:0] RADDR,
  input             WCLK,
  input             WCLKE,
  input             WE,
  input      [10:0] WADDR,
  input      [15:0] MASK,
  input      [15:0] WDATA
);
  parameter READ_MODE = 0;
  parameter WRITE_MODE = 0;
  parameter INIT_FILE = "";
  parameter [255:0] INIT_0 = 0, INIT_1 = 0, INIT_2 = 0, INIT_3 = 0, INIT_4 = 0, INIT_5 = 0,
                    INIT_6 = 0, INIT_7 = 0, INIT_8 = 0, INIT_9 = 0, INIT_A = 0, INIT_B = 0,
                    INIT_C = 0, INIT_D = 0, INIT_E = 0, INIT_F = 0;

  reg [15:0] words [0:255];
  wire writes = WCLKE & WE;

  always @(posedge WCLK) begin
    if (writes) words[WADDR[7:0]] <= (words[WADDR[7:0]] & MASK) | (WDATA & ~MASK);
  end
  always @(posedge RCLK) begin
    if (RCLKE & RE) begin
      RDATA <= words[RADDR[7:0]] ^ ((writes && (WADDR == RADDR)) ? ~MASK : 16'd0);
    end
  end

  initial if (READ_MODE != 0 || WRITE_MODE != 0) $stop;
endmodule
