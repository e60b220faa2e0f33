export default ({ n }) => ({ twice: n * 2n });
