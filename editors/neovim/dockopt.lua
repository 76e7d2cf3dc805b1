-- dockopt in Neovim 0.7 and newer. Put this file into ~/.config/nvim/plugin/.
--
-- Commands: :DockoptPatch shows the patch of the file, :DockoptVerify builds the file and its
-- rewrite (where g:dockopt_trusted is set), :DockoptPage ID opens the page of a transform.

local group = vim.api.nvim_create_augroup('dockopt', {})

local function root(path)
  local found = vim.fn.finddir('.git', vim.fn.fnamemodify(path, ':h') .. ';')
  return vim.fn.fnamemodify(found ~= '' and found or path, ':p:h' .. (found ~= '' and ':h' or ''))
end

local clients = {}

local function attach(event)
  local folder = root(event.match ~= '' and vim.api.nvim_buf_get_name(event.buf) or '.')
  local config = {
    name = 'dockopt',
    cmd = { 'dockopt', 'lsp' },
    root_dir = folder,
    init_options = { trusted = vim.g.dockopt_trusted == true },
  }
  if vim.lsp.start then
    vim.lsp.start(config, { bufnr = event.buf })
    return
  end
  local client = clients[folder]
  if client == nil or vim.lsp.get_client_by_id(client) == nil then
    client = vim.lsp.start_client(config)
    clients[folder] = client
  end
  vim.lsp.buf_attach_client(event.buf, client)
end

vim.api.nvim_create_autocmd('FileType', { group = group, pattern = 'dockerfile', callback = attach })

-- Asks the server to run a command for the current file; `show` gets what it answers.
local function ask(command, argument, show)
  argument.uri = vim.uri_from_bufnr(0)
  local params = { command = 'dockopt.' .. command, arguments = { argument } }
  vim.lsp.buf_request(0, 'workspace/executeCommand', params, function(err, result)
    if err then
      vim.notify(err.message, vim.log.levels.ERROR)
    elseif result then
      show(result)
    end
  end)
end

local function window(text, filetype)
  vim.cmd('new')
  vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split(text, '\n'))
  vim.bo.buftype, vim.bo.bufhidden, vim.bo.filetype = 'nofile', 'wipe', filetype
end

vim.api.nvim_create_user_command('DockoptPatch', function()
  ask('patch', {}, function(text) window(text, 'diff') end)
end, {})

vim.api.nvim_create_user_command('DockoptPage', function(given)
  ask('page', { transform = given.args }, function(text) window(text, 'markdown') end)
end, { nargs = 1 })

vim.api.nvim_create_user_command('DockoptVerify', function()
  ask('verify', {}, function(answer)
    local verdicts = { [0] = 'every promise held', [1] = 'a promise broke' }
    vim.notify('dockopt: ' .. (verdicts[answer.code] or table.concat(answer.said, '\n')))
  end)
end, {})
